import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { pack, run, unpack } from './packed.ts';
import { blocksOf } from './snippets.ts';
import { root } from './workspace.ts';

// What someone new does first: installs what the page says into an empty folder, pastes its first program, and runs it with Node.
const work = mkdtempSync(join(tmpdir(), 'sgd-start-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const tarballs = pack(['core', 'compile', 'cpu'], work);

describe.each(['README.md', 'README.zh-CN.md', 'docs/start.md', 'docs/start.zh-CN.md'])('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const [install, program, output] = blocksOf(page, text);

  it('starts with what to install, a program, and what it prints', () => {
    expect(install).toMatchObject({ language: 'sh', code: 'npm i @sgd/core @sgd/cpu' });
    expect(program).toMatchObject({ language: 'js', marker: '' });
    expect(output).toMatchObject({ language: 'text' });
    expect(text).toContain('`node fit.mjs`');
    expect(program!.code).toMatch(/^\/\/ fit\.mjs/);
  });

  it('runs as pasted, in plain JavaScript, and prints what the page says', () => {
    const project = join(work, page.replaceAll(/\W/g, '-'));
    mkdirSync(project);
    unpack(tarballs, project);
    writeFileSync(join(project, 'fit.mjs'), program!.code);
    expect(run(process.execPath, ['fit.mjs'], project)).toEqual({ status: 0, output: `${output!.code}\n` });
  });
});
