import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identifierOf } from '../src/choices.ts';
import { main } from '../src/main.ts';

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'sgd-create-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const stdout = { write: (text: string) => (out += text) };
  const status = await main(args, { stdin: {}, stdout, stderr: { write: (text) => (err += text) } });
  return { status, out, err };
}
const text = (...path: string[]): string => readFileSync(join(work, ...path), 'utf8');

describe('create-sgd-backend', () => {
  it('makes a project with everything in it, named after its folder', async () => {
    const { status, out, err } = await run(join(work, 'my-engine'));
    expect([status, err]).toEqual([0, '']);
    expect(out).toContain('npm run next');
    expect(readdirSync(join(work, 'my-engine')).sort()).toEqual(
      ['.gitignore', 'CHANGELOG.md', 'PUBLISHING.md', 'README.md', 'package.json', 'src', 'test', 'tsconfig.build.json', 'tsconfig.json'], // prettier-ignore
    );
    expect(text('my-engine/src/backend.ts')).toContain("export const myEngine = (): Backend<Tensor, Tensor, 'sync'>");
    const files = readdirSync(join(work, 'my-engine'), { recursive: true, withFileTypes: true });
    const texts = files.filter((file) => file.isFile()).map((f) => readFileSync(join(f.parentPath, f.name), 'utf8'));
    expect(texts.join('\n')).not.toMatch(/my-?backend|\/\* a(?:sync|wait)/i);
    const { exports, dependencies, peerDependencies } = JSON.parse(text('my-engine/package.json'));
    expect(Object.keys(exports)).toEqual(['.', './conformance']);
    expect([Object.keys(dependencies), peerDependencies]).toEqual([['@sgd/core'], undefined]);
  });

  it('makes an asynchronous one, with the engine as a peer', async () => {
    const folder = join(work, 'b');
    expect((await run(folder, '--name', '@me/two-words', '--mode', 'async', '--engine', '@e/x@^1.2.0')).status).toBe(0);
    expect(text('b/src/backend.ts')).toMatch(
      /twoWords = \(\): Backend<Tensor, Tensor, 'async'>[^]*async open\([^]*step: async \(/,
    );
    expect(text('b/src/engine.ts')).toContain('TensorEngine<Tensor>');
    expect(text('b/README.md')).toContain('npm i @sgd/core @me/two-words @e/x\n');
    expect(text('b/README.md')).toContain('await optimizer.build');
    const { name, peerDependencies, devDependencies } = JSON.parse(text('b/package.json'));
    expect([name, peerDependencies, devDependencies['@e/x']]).toEqual([
      '@me/two-words',
      { '@e/x': '^1.2.0' },
      '^1.2.0',
    ]);
  });

  it('writes nothing into a folder that has something in it', async () => {
    writeFileSync(join(work, 'mine.txt'), 'mine');
    const { status, err } = await run(work, '--name', 'x');
    expect([status, err.split('\n').length]).toEqual([2, 2]);
    expect(err).toContain('expected an empty folder, found mine.txt');
    expect(readdirSync(work)).toEqual(['mine.txt']);
    expect((await run(join(work, 'mine.txt'), '--name', 'x')).err).toContain('expected a folder, found a file');
    mkdirSync(join(work, 'new/.git'), { recursive: true });
    expect((await run(join(work, 'new'))).status).toBe(0);
  });

  it.each([
    [[], /the folder is missing/],
    [['a', 'b'], /expected one folder, got a b/],
    [['a', '--mode', 'both'], /--mode: expected sync or async, got "both"/],
    [['a', '--name', 'A B'], /--name: expected the name of an npm package, got "A B"/],
    [['a', '--engine', 'x@"; rm'], /--engine: expected PACKAGE or PACKAGE@RANGE/],
    [['a', '--colour'], /Unknown option '--colour'/],
  ])('%j: one line, and exit 2', async (args, message) => {
    const { status, out, err } = await run(...args);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err.trimEnd()).not.toContain('\n');
  });

  it('explains its flags', async () => {
    const { status, out } = await run('--help');
    expect(status).toBe(0);
    for (const flag of ['--mode', '--engine', '--name', '--yes', 'FOLDER']) expect(out).toContain(flag);
  });

  it.each([
    ['my-backend', 'myBackend'],
    ['@me/jax.js', 'jaxJs'],
    ['new', 'backendNew'],
    ['3d', 'backend3d'],
  ])('calls the factory of %s %s', (name, identifier) => expect(identifierOf(name)).toBe(identifier));
});
