import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { installInto, pack, run, unpack } from './packed.ts';
import { blocksOf } from './snippets.ts';
import { root } from './workspace.ts';

// Someone new, in an empty folder outside of the workspace, follows docs/write-a-backend.md from top to bottom, and copies only from it.
const page = 'docs/write-a-backend.md';
const blocks = blocksOf(page, readFileSync(join(root, page), 'utf8'));
const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.split('\n'));
const block = (part: string): string =>
  blocks.find(({ code, language }) => language === 'ts' && code.includes(part))!.code;

const work = mkdtempSync(join(tmpdir(), 'sgd-newcomer-'));
const project = join(work, 'small');
afterAll(() => rmSync(work, { recursive: true, force: true }));

const npm = (...args: string[]) => run('npm', args, project);
const write = (file: string, code: string): void => writeFileSync(join(project, file), `${code}\n`);

it('Write a backend, followed by someone new, ends with a backend that passes', { timeout: 300_000 }, () => {
  expect(commands).toEqual(
    ['npm create sgd-backend small', 'cd small', 'npm install', 'npm run next', 'npm test', 'npm run typecheck', 'npm run conformance'], // prettier-ignore
  );
  unpack(pack(['create-sgd-backend'], work), work);
  const made = run('node', [join(work, 'node_modules/create-sgd-backend/dist/cli.js'), 'small'], work);
  expect(made).toMatchObject({ status: 0 });
  expect(readFileSync(join(project, 'package.json'), 'utf8')).not.toMatch(/workspace:|catalog:/);
  installInto(project); // npm install

  expect(npm('run', 'typecheck')).toMatchObject({ status: 0 });
  const next = npm('run', 'next');
  expect(next.status).toBe(1);
  expect(next.output).toContain('to do in src/backend.ts: ');

  const backend = block('export const small = ');
  write('src/backend.ts', backend);
  write('src/index.ts', block('export { small }'));
  expect(readFileSync(join(project, 'test/conformance.test.ts'), 'utf8').trim()).toBe(block("from '../src/index.ts'"));
  const test = npm('test');
  expect(test.output).toMatch(/Tests +\d{3} passed \(\d{3}\)/);
  expect(test.status).toBe(0);
  expect(npm('run', 'typecheck')).toMatchObject({ status: 0 });
  const table = npm('run', 'conformance');
  expect(table.output).toMatch(/^\d{3} passed, 0 failed in /m);
  expect(table.status).toBe(0);

  const sum = 'pairwiseSum(data, isFloat32(data) ? Math.fround : (sum) => sum)';
  const other = 'Array.from(data).reduce((sum, x) => sum + x, 0)';
  expect(backend).toContain(sum);
  expect(readFileSync(join(root, page), 'utf8')).toContain(other);
  write('src/backend.ts', backend.replace(sum, other));
  const broken = npm('run', 'conformance');
  expect(broken.status).toBe(1);
  const said = blocks.find(({ language }) => language === 'text')!.code;
  expect(broken.output).toMatch(new RegExp(`FAILED values/combined-000-order-global-clip: [^]*${escape(said)}`));
});

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
