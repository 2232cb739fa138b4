import { SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { program, step, trial } from './trial.ts';

describe('in a browser', () => {
  it.each([
    ['float32', ['float32']],
    ['both types', ['float32', 'float64']],
  ] as const)(
    '%s, any options, any steps: the same bits as one element at a time',
    async (_name, dtypes) => {
      await fc.assert(
        fc.asyncProperty(
          program(dtypes),
          fc.array(step, { minLength: 1, maxLength: 4 }),
          fc.nat(),
          (made, steps, seed) => trial(made, steps, 40, seed),
        ),
        { numRuns: 50 },
      );
    },
    60_000,
  );

  it('trains through core', () => {
    const w = new Float32Array([1, 1]);
    const optimizer = new SGD({ learningRate: 0.5 }, cpu());
    optimizer.build({ w });
    expect(optimizer.apply({ w: new Float32Array([1, 2]) })).toBe(true);
    expect(Array.from(w)).toEqual([0.5, 0]);
  });
});
