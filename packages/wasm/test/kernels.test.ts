import { wasm } from '@sgd/wasm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, textOf } from '../scripts/compile.mjs';
import { kernels } from '../src/kernels.ts';
import { programs, steps, trial } from './trial.ts';

describe('any options, any steps: the bits of @sgd/cpu', () => {
  it.each([
    ['tensors of the arena', 0, 0],
    ['tensors, with NaN, infinities and subnormals', 0, 40],
    ['ordinary variables', 1, 40],
    ['ordinary gradients', 2, 40],
    ['ordinary arrays', 3, 40],
  ])(
    '%s',
    async (_name, arrays, rare) => {
      const backend = await wasm();
      await fc.assert(
        fc.asyncProperty(programs, steps, fc.nat(), (program, drawn, seed) =>
          trial(backend, program, drawn, rare, seed, arrays),
        ),
        { numRuns: 150 },
      );
    },
    60_000,
  );
});

describe('the module', () => {
  it('is what the source gives', async () => {
    expect(textOf(await compile())).toBe(kernels);
  }, 120_000);
});
