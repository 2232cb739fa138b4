import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { blocksOf } from './snippets.ts';
import { manifestIn, root } from './workspace.ts';

// Someone new, in an empty folder outside of the workspace, follows docs/write-a-backend.md from top to bottom, and copies only from it.
const page = 'docs/write-a-backend.md';
const blocks = blocksOf(page, readFileSync(join(root, page), 'utf8'));
const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.split('\n'));
const block = (part: string): string =>
  blocks.find(({ code, language }) => language === 'ts' && code.includes(part))!.code;

const work = mkdtempSync(join(tmpdir(), 'sgd-newcomer-'));
const project = join(work, 'small');
afterAll(() => rmSync(work, { recursive: true, force: true }));

function run(command: string, args: readonly string[], cwd: string): { status: number | null; output: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', npm_config_update_notifier: 'false' };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env });
  return { status, output: stdout + stderr };
}
const npm = (...args: string[]) => run('npm', args, project);
const write = (file: string, code: string): void => writeFileSync(join(project, file), `${code}\n`);

/** What `npm` would fetch: the packed packages of the workspace, and from elsewhere what the workspace has. */
function unpack(folder: string, into: string): void {
  const from = join(root, 'packages', folder);
  const { name, version, dependencies = {} } = manifestIn(from);
  const pnpm = [join(root, 'tooling/pnpm.mjs'), '--filter', name, 'pack', '--pack-destination', work];
  execFileSync(process.execPath, pnpm, { cwd: root, stdio: 'pipe' });
  const target = join(into, 'node_modules', name);
  mkdirSync(target, { recursive: true });
  const tarball = join(work, `${name.replace(/^@/, '').replace('/', '-')}-${version}.tgz`);
  execFileSync('tar', ['xzf', tarball, '-C', target, '--strip-components=1']);
  for (const needed of Object.keys(dependencies).filter((other) => !other.startsWith('@sgd/')))
    link(join(from, 'node_modules', needed), join(into, 'node_modules', needed));
}
function link(from: string, to: string): void {
  mkdirSync(join(to, '..'), { recursive: true });
  symlinkSync(from, to, 'junction');
}

it('Write a backend, followed by someone new, ends with a backend that passes', { timeout: 300_000 }, () => {
  expect(commands).toEqual(
    ['npm create sgd-backend small', 'cd small', 'npm install', 'npm run next', 'npm test', 'npm run typecheck', 'npm run conformance'], // prettier-ignore
  );
  unpack('create-sgd-backend', work);
  const made = run('node', [join(work, 'node_modules/create-sgd-backend/dist/cli.js'), 'small'], work);
  expect(made).toMatchObject({ status: 0 });
  expect(readFileSync(join(project, 'package.json'), 'utf8')).not.toMatch(/workspace:|catalog:/);
  for (const folder of ['core', 'conformance']) unpack(folder, project); // npm install
  for (const name of ['typescript', 'vitest'])
    link(join(root, 'node_modules', name), join(project, 'node_modules', name));
  mkdirSync(join(project, 'node_modules/.bin'), { recursive: true });
  const bins = {
    tsc: 'typescript/bin/tsc',
    vitest: 'vitest/vitest.mjs',
    'sgd-conformance': '@sgd/conformance/dist/cli.js',
  };
  for (const [bin, file] of Object.entries(bins))
    symlinkSync(join('..', file), join(project, 'node_modules/.bin', bin));
  execFileSync('chmod', ['+x', join(project, 'node_modules/@sgd/conformance/dist/cli.js')]);

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

  const rule = 'm[k]! * b - g[k]! * lr : m[k]!';
  expect(backend).toContain(rule);
  write('src/backend.ts', backend.replace(rule, 'm[k]! * b : m[k]!'));
  const broken = npm('run', 'conformance');
  expect(broken.status).toBe(1);
  const said = blocks.find(({ language }) => language === 'text')!.code;
  expect(broken.output).toMatch(new RegExp(`FAILED values/option-005-nesterov: .*nesterov[^]*${escape(said)}`));
});

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
