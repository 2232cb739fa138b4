import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { splitVariant } from '../src/cli/resolve.ts';
import { builtinGoldens, type Report } from '../src/index.ts';
import { readGoldens } from '../src/node.ts';
import { build, home, run } from './dist.ts';
import { sabotage } from './sabotage.ts';

const cli = join(home, 'dist/cli.js');
const goldens = join(home, 'goldens');
let folder: string;

beforeAll(async () => {
  await build();
  folder = mkdtempSync(join(tmpdir(), 'sgd-conformance-'));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sgd = (...args: string[]): ReturnType<typeof run> => run([cli, ...args], { cwd: folder });

describe('sgd-conformance', { timeout: 60_000 }, () => {
  it('prints a line for each room and the counts, and exits 0', async () => {
    const { status, stdout, stderr } = await sgd('--backend', 'cpu');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^backend cpu \(sync\), compared bit for bit$/m);
    expect(stdout).toMatch(/^values +192 +4 +0$/m);
    expect(stdout).toMatch(/^510|^5\d\d passed, 0 failed in [\d.]+ s$/m);
    expect(status).toBe(0);
  });

  it('--json prints one object', async () => {
    const { status, stdout } = await sgd('--backend', 'cpu', '--json', '--goldens', goldens);
    const report = JSON.parse(stdout) as Report;
    expect(report).toMatchObject({ backend: { name: 'cpu', mode: 'sync' }, goldens: { set: 'public' }, failed: 0 });
    expect(report.rooms.length).toBe(16);
    expect(status).toBe(0);
  });

  it('--only runs a room or a test', async () => {
    const { stdout } = await sgd(
      '--backend',
      'cpu',
      '--json',
      '--only',
      'values/edge-000-none-grads',
      '--only',
      'rounding',
    );
    const { passed, rooms } = JSON.parse(stdout) as Report;
    expect(rooms.map(({ room }) => room)).toEqual(['values', 'rounding']);
    expect(passed).toBe(1 + rooms[1]!.passed);
  });

  it('takes a path, a package, and a variant', async () => {
    const text = (name: string): string =>
      `export default (variant) => ({ contract: 2, name: '${name}:' + variant, mode: 'sync', supports: new Set(), tolerance: { rtol: 0, atol: 0 },
        open() { throw new Error('no'); }, describe: () => ({ shape: [1], dtype: 'float32' }), variable: () => ({}), gradient: () => ({}), free() {}, refuses: () => null });`;
    writeFileSync(join(folder, 'mine.mjs'), text('mine'));
    const packages = { '@acme/engine': './conformance', 'acme-engine': '.' };
    for (const [name, entry] of Object.entries(packages)) {
      const home = join(folder, 'node_modules', name);
      mkdirSync(home, { recursive: true });
      writeFileSync(
        join(home, 'package.json'),
        JSON.stringify({ name, type: 'module', exports: { [entry]: { import: './it.js' } } }),
      );
      writeFileSync(join(home, 'it.js'), text(name));
    }
    const cases = {
      './mine.mjs:fast': 'mine:fast',
      [join(folder, 'mine.mjs')]: 'mine:undefined',
      '@acme/engine:x': '@acme/engine:x',
      'acme-engine': 'acme-engine:undefined',
    };
    for (const [flag, name] of Object.entries(cases)) {
      const { stdout, status, stderr } = await sgd('--backend', flag, '--json', '--only', 'contract/members');
      expect([stderr, (JSON.parse(stdout) as Report).backend.name, status]).toEqual(['', name, 0]);
    }
  });

  it.each([
    [[], /--backend .* is missing/],
    [['--backend'], /argument missing|is missing/],
    [['--backend', 'nosuch'], /--backend nosuch: not found/],
    [['--backend', './nosuch.mjs'], /not found/],
    [['--backend', 'cpu:nosuch'], /--backend cpu:nosuch: .*variants/],
    [['--backend', 'node:fs'], /makes a backend|not found/],
    [['--backend', 'cpu', '--goldens', 'nowhere'], /--goldens nowhere/],
    [['--backend', 'cpu', '--goldens', '.'], /manifest\.json/],
    [['--backend', 'cpu', '--only', 'nothing'], /--only: there is no test "nothing"/],
    [['--backend', 'cpu', '--frob'], /[Uu]nknown option '--frob'/],
    [['--backend', 'cpu', '--json=1'], /--json/],
    [['--backend', 'cpu', 'more'], /[Uu]nexpected argument 'more'/],
  ])('%j: one line, and exit 2', async (args, message) => {
    const { status, stdout, stderr } = await sgd(...args);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n').length).toBe(1);
    expect(status).toBe(2);
  });

  it('--help', async () => {
    const { status, stdout } = await sgd('--help');
    expect(stdout).toMatch(/^usage: sgd-conformance --backend NAME\[:VARIANT\]/);
    expect(status).toBe(0);
  });

  it.each([7, 8])('names what was done to a copy of the goldens, and exits 1 (seed %i)', async (seed) => {
    const { files, moved, removed, truncated } = sabotage(builtinGoldens(), { seed });
    const copy = join(folder, `sabotaged-${seed}`);
    cpSync(goldens, copy, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(copy, name), text);
    expect(readGoldens(copy)).toEqual(files);
    const { status, stdout } = await sgd('--backend', 'cpu', '--goldens', copy);
    expect(status).toBe(1);
    expect(stdout).toContain(`truncated: ${truncated}\n`);
    for (const id of removed) expect(stdout).toMatch(new RegExp(`missing cases: .*${id}`));
    expect(stdout).toContain(`altered numbers: ${moved.length}\n`);
    const listed = stdout.slice(stdout.indexOf('altered numbers:'));
    const numbers = [...listed.matchAll(/^ {4}(\S+): .*recorded (\S+), the file has (\S+) \(1 ulp\)$/gm)];
    // by value: the files have fewer digits than the float32 numbers
    const named = numbers.map(([, id, from, to]) => [id, Math.fround(Number(from)), Math.fround(Number(to))].join(' '));
    const wanted = moved.map(({ id, from, to }) => [id, Math.fround(from), Math.fround(to)].join(' '));
    expect(named.toSorted()).toEqual(wanted.toSorted());
  });
});

describe('splitVariant', () => {
  it.each([
    ['cpu', 'cpu', undefined],
    ['cpu:float64', 'cpu', 'float64'],
    ['@acme/engine:gpu', '@acme/engine', 'gpu'],
    ['./a.mjs:x', './a.mjs', 'x'],
    ['C:\\a.mjs', 'C:\\a.mjs', undefined],
    ['C:\\a.mjs:x', 'C:\\a.mjs', 'x'],
    ['file:///a.mjs', 'file:///a.mjs', undefined],
  ])('%s', (text, name, variant) => expect(splitVariant(text)).toEqual({ name, variant }));
});
