import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpu } from '@sgd/cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { bitsOf } from '../src/goldens/bits.ts';
import type { GoldenFile, TrajectoryCase } from '../src/goldens/format.ts';
import { openGoldens } from '../src/goldens/open.ts';
import { builtinGoldens, type GoldenFiles, type Report, runSuite } from '../src/index.ts';
import { neighbour } from '../src/numbers.ts';
import { build } from './dist.ts';
import { folder, manifestOf, only, run, runOn, small, texts, type Tree } from './made.ts';

beforeAll(build, 60_000);

describe('goldens that somebody made up', { timeout: 60_000 }, () => {
  it('pass as they are', async () => {
    const { status, out, err } = await run(texts(small), ...only);
    expect([err, status]).toEqual(['', 0]);
    expect(out).toMatch(/^values +4 +0 +0$/m);
  });

  const withCase = (change: (one: Tree) => void, file = 'trajectories-edge.json'): GoldenFiles => {
    const copy = structuredClone(small) as Record<string, { cases: Tree[] }>;
    change(copy[file]!.cases[0]!);
    return texts(copy);
  };
  const withFile = (name: string, text: string): GoldenFiles => ({ ...texts(small), [name]: text });
  const withManifest = (change: (manifest: Tree) => unknown): GoldenFiles => {
    const manifest = manifestOf(small);
    return texts(small, change(manifest) ?? manifest);
  };
  const edge = 'trajectories-edge.json: edge-000-none-grads: ';
  const cases: [string, () => GoldenFiles, RegExp][] = [
    [
      'no variables',
      () => withCase((one) => delete one.variables),
      /edge-000-none-grads: variables: expected a list of/,
    ],
    [
      'variables that are null',
      () => withCase((one) => (one.variables = [null])),
      /variables\[0\]: expected an object, got null/,
    ],
    [
      'a shape that does not fit',
      () => withCase((one) => ((one.variables as Tree[])[0]!.shape = [7, 7])),
      /variables\[0\]\.values: expected 49 values/,
    ],
    [
      'a shape that is huge',
      () => withCase((one) => ((one.variables as Tree[])[0]!.shape = [1e9, 1e9])),
      /\.values: expected/,
    ],
    [
      'a gradient that is text',
      () => withCase((one) => ((one.steps as Tree[])[1]!.grads = ['1'])),
      /steps\[1\]\.grads\[0\]: expected a list, got "1"/,
    ],
    [
      'a number that is none',
      () => withCase((one) => ((one.steps as Tree[])[0]!.grads = [[1, 'one']])),
      /steps\[0\]\.grads\[0\]\[1\]: expected a number/,
    ],
    [
      'a variable that there is not',
      () => withCase((one) => ((one.steps as Tree[])[0]!.vars = [99])),
      /vars\[0\]: expected an index below/,
    ],
    ['no expectations', () => withCase((one) => (one.expect = null)), /expect: expected a list, got null/],
    [
      'an optimizer that is null',
      () => withCase((one) => (one.optimizer = null)),
      /optimizer: expected an object, got null/,
    ],
    [
      'an id of control characters',
      () => withCase((one) => (one.id = 'a\u001b[31m\nb')),
      /cases\[0\]: id: expected a text of 1 to 200 printable/,
    ],
    [
      'an id of 20 MB',
      () => withCase((one) => (one.id = 'a'.repeat(2e7))),
      /cases\[0\]: id: expected a text of 1 to 200/,
    ],
    [
      'a pattern without end',
      () => withCase((one) => (one.excludeFromWeightDecay = { varNames: ['(a+)+(b|c)*$'] })),
      /varNames\[0\]: expected a regular expression/,
    ],
    [
      'a config of 100,000 levels',
      () =>
        withFile(
          'checks.json',
          JSON.stringify(small['checks.json']).replace('"args":{', `"args":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)},`),
        ),
      /args.*: expected at most 12 levels/,
    ],
    [
      'an argument of 5 MB',
      () => withCase((one) => (one.args = { momentum: 'x'.repeat(5e6) }), 'checks.json'),
      /args\.momentum: expected at most/,
    ],
    [
      'a schedule without a class',
      () => withCase((one) => (one.schedule = {}), 'schedules.json'),
      /schedule\.class_name: expected/,
    ],
    [
      'a case that is null',
      () => texts({ ...small, 'checks.json': { ...small['checks.json'], cases: [null] } }),
      /checks\.json: cases\[0\]: expected an object, got null/,
    ],
    [
      'an id that comes twice',
      () => {
        const file = small['checks.json'] as GoldenFile;
        return texts({ ...small, 'checks.json': { ...file, cases: [file.cases[0], file.cases[0]] } });
      },
      /id: expected one of its own/,
    ],
    ['a file that is null', () => withFile('checks.json', 'null'), /checks\.json: expected an object, got null/],
    [
      'a file of lists',
      () => withFile('checks.json', '['.repeat(1e6)),
      /truncated: checks\.json|checks\.json: not JSON/,
    ],
    [
      'a file without cases',
      () => withFile('checks.json', '{"schemaVersion":1,"kind":"checks","cases":null}'),
      /checks\.json: cases: expected a list, got null/,
    ],
    [
      'a manifest that is null',
      () => withFile('manifest.json', 'null'),
      /manifest\.json: expected an object, got null/,
    ],
    [
      'a manifest without files',
      () => withManifest((manifest) => void (manifest.files = null)),
      /manifest\.json: files: expected an object, got null/,
    ],
    [
      'an entry that is null',
      () => withManifest((manifest) => void ((manifest.files as Tree)['checks.json'] = null)),
      /manifest\.json: files\["checks\.json"\]: expected an object, got null/,
    ],
    [
      'an entry without a hash',
      () => withManifest((manifest) => void delete ((manifest.files as Tree)['checks.json'] as Tree).sha256),
      /files\["checks\.json"\]: sha256: expected a SHA-256 in hex, got undefined/,
    ],
    [
      'an entry called __proto__',
      () => ({
        ...texts(small),
        'manifest.json': JSON.stringify(manifestOf(small)).replace('"checks.json"', '"__proto__"'),
      }),
      /__proto__: in the manifest, but not there/,
    ],
    [
      'fractional counts',
      () => withManifest((manifest) => void (manifest.checkCases = 1.5)),
      /checkCases: expected a whole number/,
    ],
  ];

  it.each(cases)('%s: named, and nothing else', async (_, files, message) => {
    for (const flags of [only, ['--only', 'goldens']]) {
      const { status, out, err } = await run(files(), ...flags);
      expect(err + out).toMatch(message);
      expect(err + out).not.toMatch(/^\s+at .*:\d+:\d+/m);
      expect(Math.max(...(err + out).split('\n').map((line) => line.length))).toBeLessThan(600);
      expect(status).toBe(err === '' ? 1 : 2);
    }
  });

  it('what is malformed fails where it belongs, too, and the rest runs', async () => {
    const { failures, passed } = await runSuite({
      backend: cpu(),
      goldens: withCase((one) => delete one.variables),
      only: ['values'],
    });
    expect(failures.map(({ id, details }) => [id, details[0]?.message])).toEqual([
      ['values/edge-000-none-grads', `${edge}variables: expected a list of at most 1000, got undefined`],
    ]);
    expect(passed).toBe(3);
  });

  it('--only says what is wrong with the goldens, not that there is no such test', async () => {
    const { status, out, err } = await run(withFile('manifest.json', '{'), '--only', 'values');
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(/manifest\.json: not JSON/);
    expect(err.trimEnd().split('\n').length).toBe(1);
  });

  it('numbers in ids that skip billions: named are as many as are missing', async () => {
    const file = small['trajectories-edge.json'] as GoldenFile;
    const renamed = { ...file, cases: [{ ...file.cases[0], id: 'a-9999999999' }] };
    const manifest = manifestOf({ ...small, 'trajectories-edge.json': renamed });
    ((manifest.files as Tree)['trajectories-edge.json'] as Tree).cases = 3;
    const { findings } = openGoldens(texts({ ...small, 'trajectories-edge.json': renamed }, manifest));
    expect(findings.map(({ kind, cases }) => [kind, cases])).toEqual([
      ['missing-cases', ['a-0000000000', 'a-0000000001']],
    ]);
    ((manifest.files as Tree)['trajectories-edge.json'] as Tree).cases = Number.MAX_SAFE_INTEGER;
    const most = openGoldens(texts({ ...small, 'trajectories-edge.json': renamed }, manifest)).findings[0]!;
    expect(most.cases?.length).toBe(1000);
    expect(most.message.length).toBeLessThan(400);
  });

  it.skipIf(process.platform === 'win32')('a FIFO, a directory and a device do not hold it up', async () => {
    const make: Record<string, (path: string) => void> = {
      'a FIFO': (path) => void execFileSync('mkfifo', [path]),
      'a directory': (path) => mkdirSync(path),
    };
    for (const [kind, put] of Object.entries(make)) {
      for (const name of ['manifest.json', 'checks.json', 'unlisted.json']) {
        const here = mkdtempSync(join(folder, 'odd-'));
        for (const [other, text] of Object.entries(texts(small)))
          if (other !== name) writeFileSync(join(here, other), text);
        put(join(here, name));
        const { status, out, err } = await runOn(here);
        expect([status, out]).toEqual([2, '']);
        expect(err).toContain(`${name}: expected a regular file, got ${kind}`);
      }
    }
  });
});

describe('a case of 60,000 elements that was altered', () => {
  const elements = 60_000;
  const values = Array.from({ length: elements }, (_, i) => Math.fround(0.25 + (i % 1000) / 4096));
  const base = (JSON.parse(builtinGoldens()['trajectories-option.json']!) as GoldenFile).cases[0] as TrajectoryCase;
  const after = values.map((x) => Math.fround(x - Math.fround(x * Math.fround(0.01))));
  const whole: TrajectoryCase = {
    ...base,
    id: 'large-000',
    variables: [{ name: 'kernel', path: 'kernel', shape: [elements], values }],
    steps: [{ grads: [values] }],
    expect: [{ ...base.expect[0]!, variables: [after] }],
    final: { variables: [after] },
  };
  const good = { ...whole, bits: bitsOf(whole) };
  const altered = (one: TrajectoryCase): GoldenFiles => {
    const head = { schemaVersion: 1, set: 'made', kind: 'trajectories' };
    return texts({ 'large.json': { ...head, cases: [one] } }, manifestOf({ 'large.json': { ...head, cases: [good] } }));
  };
  const replay = (one: TrajectoryCase): Promise<Report> =>
    runSuite({ backend: cpu(), goldens: altered(one), only: ['values'] });
  const moved = (at: number): number[] => values.with(at, neighbour(values[at]!, 1, 'float32'));

  it('is right when nobody touched it', async () => {
    expect((await replay(good)).failures).toEqual([]);
  });

  it('tells the one number that was moved, in seconds', async () => {
    const { goldens } = await replay({ ...good, steps: [{ grads: [moved(41_234)] }] });
    expect(goldens.moved.map(({ field, element }) => [field, element])).toEqual([['grads', 41_234]]);
  }, 60_000);

  it('gives up in seconds where all numbers were', async () => {
    const { failed } = await replay({ ...good, bits: '00000000', steps: [{ grads: [values.map((x) => x * 1.5)] }] });
    expect(failed).toBe(1);
  }, 60_000);
});
