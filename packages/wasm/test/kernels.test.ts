import { type Backend, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wantSameNorms, programs, steps, trial } from './trial.ts';

describe('any options, any steps: the bits of @sgd/cpu', () => {
  it.each([
    ['tensors of the arena', 0, 0],
    ['tensors, with NaN, infinities and subnormals', 0, 40],
    ['tensors, with more of those', 0, 4],
    ['ordinary variables', 1, 40],
    ['ordinary gradients', 2, 40],
    ['ordinary arrays', 3, 40],
    ['tensors, while the arena grows', 0, 40, true],
    ['ordinary arrays, while the arena grows', 3, 40, true],
  ] as [string, number, number, boolean?][])(
    '%s',
    async (_name, arrays, rare, grows) => {
      await fc.assert(
        fc.asyncProperty(programs, steps, fc.nat(), async (program, drawn, seed) =>
          trial(await wasm(), program, drawn, rare, seed, arrays, grows),
        ),
        { numRuns: 150 },
      );
    },
    60_000,
  );
});

describe('a loss scale that is no ordinary float32 divides as it does on @sgd/cpu:', () => {
  it.each([1e39, 2 ** 128, 2 ** 127, 2 ** -126, 2 ** -149, 3 * 2 ** -149, 1e-46])('%s', async (lossScaleFactor) => {
    const [ours, theirs] = [await wasm(), cpu()].map((engine) => {
      const w = new Float32Array(4);
      const optimizer = new SGD(
        { learningRate: 1, lossScaleFactor },
        engine as Backend<Float32Array, Float32Array, 'sync'>,
      );
      optimizer.build({ w });
      optimizer.apply({ w: new Float32Array([3e38, 1, -1e-20, 2 ** -149]) });
      return w;
    });
    expect(ours).toEqual(theirs);
  });
});

describe('norms', () => {
  it('of any length are summed in numpy’s order', async () => {
    const backend = await wasm();
    for (let n = 0; n < 300; n++) wantSameNorms(backend, 'norm', [n]);
    for (const n of [511, 512, 520, 1000, 1023, 1025, 4097]) wantSameNorms(backend, 'norm', [n, 3]);
  });

  it('of any number of variables, too', async () => {
    const backend = await wasm();
    for (let n = 1; n < 300; n += n < 120 ? 7 : 1) {
      wantSameNorms(
        backend,
        'global-norm',
        Array.from({ length: n }, (_, i) => 1 + (i % 3)),
      );
    }
  });
});
