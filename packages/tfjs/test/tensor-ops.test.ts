import { numberOps, pairwiseSum } from '@sgd/core/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TensorOps, type Value } from '../src/tensor-ops.ts';
import { ENGINES, start, tf } from './engines.ts';
import { FORMULAS } from './formulas.ts';

const element = fc.oneof(
  fc.float({ noNaN: false }),
  fc.constantFrom(0, -0, 1, -1, NaN, Infinity, -Infinity, 2 ** -149, -(2 ** -130)),
);
const pairs = fc.array(fc.tuple(element, element), { minLength: 1, maxLength: 300 });
// the sign of a zero is not promised by min, max and sign
const same = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));

describe.each(ENGINES)('operations on %s', (engine) => {
  it.each(Object.entries(FORMULAS))('give the bits of numbers: %s', async (_name, formula) => {
    await start(engine);
    const onNumbers = numberOps('float32');
    const ops = new TensorOps(tf);
    fc.assert(
      fc.property(pairs, (all) => {
        const got = tf.tidy(() => {
          const [a, b] = [0, 1].map((side) => tf.tensor1d(all.map((pair) => pair[side]!))) as [tf.Tensor, tf.Tensor];
          return ops.tensor(formula<Value>(ops, a, b)).dataSync<'float32'>();
        });
        return all.every(([a, b], i) => same(got[got.length === 1 ? 0 : i]!, formula(onNumbers, a, b)));
      }),
      { numRuns: 40 },
    );
    ops.dispose();
  });

  it('sum in pairwise order, and leave nothing behind', async () => {
    await start(engine);
    const before = tf.memory().numTensors;
    const ops = new TensorOps(tf);
    fc.assert(
      fc.property(pairs, (all) => {
        const values = Float32Array.from(all.flat());
        const squares = values.map((value) => value * value);
        const tensor = tf.tensor1d(values);
        const want = pairwiseSum(squares, Math.fround);
        expect(ops.sumOfProducts(tensor, tensor)).toBe(want);
        const product = ops.mul(tensor, tensor) as tf.Tensor;
        expect(ops.sum(product)).toBe(want);
        tf.dispose([tensor, product]);
      }),
      { numRuns: 40 },
    );
    ops.size = 300;
    expect(ops.sum(Math.fround(0.1))).toBe(pairwiseSum(new Float32Array(300).fill(0.1), Math.fround));
    ops.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
