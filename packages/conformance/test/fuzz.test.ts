import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GoldenFiles } from '../src/index.ts';
import { build } from './dist.ts';
import { manifestOf, only, run, small, texts, type Tree } from './made.ts';

beforeAll(build, 60_000);

describe('goldens with something changed at random', { timeout: 120_000 }, () => {
  const places = (node: unknown, path: (string | number)[] = []): (string | number)[][] =>
    typeof node !== 'object' || node === null
      ? [path]
      : [path, ...Object.keys(node).flatMap((key) => places((node as Tree)[key], [...path, key]))];
  const whole = { ...small, 'manifest.json': manifestOf(small) } as Record<string, object>;
  const all = places(whole).filter((path) => path.length > 0);
  // most places are elements of arrays: those further out are as likely together
  const outer = all.filter((path) => path.length < 7);
  const place = fc.oneof(fc.constantFrom(...outer), fc.constantFrom(...all));
  const odd = fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0.5,
    1e300,
    2 ** 53,
    '',
    'x',
    'NaN',
    '\u0000\u001b[2J',
    '__proto__',
    [],
    [[]],
    [null],
    {},
    { a: { b: 1 } },
    { class_name: 'SGD', config: null },
    { length: 1e9 },
    'y'.repeat(1e5),
    Array.from({ length: 5000 }, () => 1),
  );
  const value = fc.oneof(odd, fc.jsonValue({ maxDepth: 3 }), fc.constant(undefined));

  it('end in a message and an exit status, never in a stack', async () => {
    const change = fc.array(fc.tuple(place, value), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(change, async (changes) => {
        const copy = structuredClone(whole) as Tree;
        for (const [path, to] of changes) {
          const parent = path.slice(0, -1).reduce<unknown>((node, key) => (node as Tree | undefined)?.[key], copy);
          if (typeof parent !== 'object' || parent === null) continue;
          if (to === undefined && !Array.isArray(parent)) delete (parent as Tree)[path.at(-1)!];
          else (parent as Tree)[path.at(-1)!] = to ?? null;
        }
        const files = Object.entries(copy).map(([name, file]) => [name, JSON.stringify(file) ?? '']);
        const { status, out, err } = await run(Object.fromEntries(files) as GoldenFiles, ...only);
        expect([0, 1, 2]).toContain(status);
        expect(status === 2).toBe(err !== '');
        expect(out + err).not.toMatch(/^\s+at .*:\d+:\d+|TypeError|RangeError|undefined is not|[^\P{C}\n]/mu);
        expect(Math.max(...(out + err).split('\n').map((line) => line.length))).toBeLessThan(1200);
      }),
      { numRuns: 300 },
    );
  });

  it('so do files that are cut off or have other bytes', async () => {
    const files = texts(small);
    const names = Object.keys(files);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.string(),
        async (name, at, put) => {
          const text = files[name]!;
          const cut = Math.floor(text.length * at);
          for (const made of [text.slice(0, cut), text.slice(0, cut) + put + text.slice(cut + put.length)]) {
            const { status, out, err } = await run({ ...files, [name]: made }, ...only);
            expect([0, 1, 2]).toContain(status);
            expect(out + err).not.toMatch(/^\s+at .*:\d+:\d+|TypeError|RangeError|[^\P{C}\n]/mu);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
