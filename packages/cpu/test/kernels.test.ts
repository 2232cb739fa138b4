import type { Program, Step } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reference } from './reference.ts';
import { numbers } from '../../../tests/support/arbitraries.ts';
import { program as sgdProgram, update as plainUpdate, variable } from '../../../tests/support/programs.ts';
import { program, same, step, trial } from './trial.ts';

describe.each([
  ['float32', ['float32']],
  ['float64', ['float64']],
  ['both', ['float32', 'float64']],
] as const)('%s', (_name, dtypes) => {
  it.each([
    ['ordinary numbers', 0, false],
    ['NaN, infinities and subnormals', 40, false],
    ['without functions made from text', 40, true],
  ])(
    'any options, any steps, %s: the same bits as one element at a time',
    async (_what, rare, jitless) => {
      await fc.assert(
        fc.asyncProperty(
          program(dtypes),
          fc.array(step, { minLength: 1, maxLength: 6 }),
          fc.nat(),
          (made, steps, seed) => trial(made, steps, rare, seed, cpu({ jitless })),
        ),
        { numRuns: 200 },
      );
    },
    60_000,
  );
});

describe('a global norm', () => {
  const rates = { learningRate: 1, weightDecay: 0, options: [0] };
  const update: Step = { ...plainUpdate, clipLimit: 0.1, rates: [rates, rates] };
  const many = (count: number, wide: (i: number) => boolean): Program =>
    sgdProgram(
      Array.from({ length: count }, (_, i) =>
        variable(1 + (i % 5), { path: `v${i}`, dtype: wide(i) ? 'float64' : 'float32' }),
      ),
      { clip: 'global-norm' },
    );

  // the sums of the gradients are summed in numpy's order too
  it.each([7, 8, 9, 16, 127, 128, 129, 300])('over %i variables, in any order of theirs', (count) => {
    for (const wide of [() => false, (i: number) => i % 3 === 0]) {
      const made = many(count, wide);
      const initial = made.variables.map((v, i) => numbers(i, v.shape[0]!, v.dtype, 0));
      const arrays = initial.map((x) => x.slice());
      const ref = reference(made, initial);
      const session = cpu().open(made, arrays);
      const order = arrays.map((_, i) => (i * 7 + 3) % count);
      const indices = new Set(order).size === count ? order : arrays.map((_, i) => i);
      const gradients = indices.map((i) => numbers(i + 999, made.variables[i]!.shape[0]!, made.variables[i]!.dtype, 0));
      expect(session.step(update, gradients, indices)).toBe(true);
      ref.step(update, gradients, indices);
      arrays.forEach((x, i) => same(x, ref.x[i]!, `v${i}`));
    }
  });

  it('takes the inverse of the unrounded limit', () => {
    // 1 / c rounded once, for c that float32 does not have; with 1 / R(c) the last bit is another for many of these
    for (let hundredths = 1; hundredths < 100; hundredths++) {
      const made = many(1, () => false);
      const x = new Float32Array(1);
      const limit = hundredths / 100;
      cpu()
        .open(made, [x])
        .step({ ...update, clipLimit: limit }, [new Float32Array([limit / 2])], [0]);
      const factor = Math.fround(Math.fround(limit) * Math.fround(1 / limit));
      expect(x[0]).toBe(-Math.fround(Math.fround(limit / 2) * factor));
    }
  });
});
