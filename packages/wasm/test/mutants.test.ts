import { expect, it } from 'vitest';
import { mutate } from '../scripts/mutation.mjs';
import { mutants } from '../scripts/mutants.mjs';

// A sample; `npm run mutation:kernels` takes all of them, and docs/mutation.md has the result.
it('wrong kernels are noticed', async () => {
  const { noticed, invalid, same, survived } = await mutate({ files: ['gradient.ts'] });
  expect(noticed + invalid + same + survived.length).toBeGreaterThan(8);
  expect(survived.map(({ file, line, from, to }) => `${file}:${line} ${from} -> ${to}`)).toEqual([]);
}, 240_000);

it('there are wrong kernels of every file', () => {
  const counts = new Map<string, number>();
  for (const { file } of mutants()) counts.set(file, (counts.get(file) ?? 0) + 1);
  expect([...counts.keys()].sort()).toEqual([
    'finite.ts',
    'gradient.ts',
    'norms.ts',
    'pieces.ts',
    'step.ts',
    'update.ts',
    'vectors.ts',
  ]);
  for (const [file, count] of counts) expect(count, file).toBeGreaterThan(8);
});
