import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Batch, PIXELS } from '../src/batches.ts';
import { startEngine } from '../src/engine.ts';
import { Model } from '../src/model.ts';
import { gradientsOf } from './gradients.ts';
import { initialWeights, MODELS, type ModelName } from '../src/weights.ts';
import { randomStream, uniformValues } from '../src/random.ts';

const batch: Batch = {
  images: uniformValues(3 * PIXELS, 1, randomStream(1, 'test')).map(Math.abs),
  labels: Uint8Array.of(3, 0, 9),
};
const modelOf = (name: ModelName, change: (weights: Record<string, Float32Array>) => void = () => {}): Model => {
  const weights = initialWeights(name, 5);
  change(Object.fromEntries(Object.entries(weights).map(([path, { data }]) => [path, data as Float32Array])));
  return Model.of(weights);
};

beforeAll(startEngine);

describe.each(MODELS)('the model %s', (name) => {
  it('has gradients that are the slopes of its loss', () => {
    const model = modelOf(name);
    const { gradients, loss } = gradientsOf(model, batch, 1);
    model.dispose();
    expect(loss).toBeGreaterThan(1);
    const pixel = 300; // a row of the kernel: all its inputs are above 0
    for (const [path, index] of [
      [name === 'mlp' ? 'hidden/kernel' : 'output/kernel', pixel * (name === 'mlp' ? 128 : 10) + 7],
      ['output/kernel', 33],
      ['output/bias', 3],
    ] as const) {
      const step = 2 ** -7;
      const lossAt = (offset: number): number => {
        const moved = modelOf(name, (weights) => {
          (weights[path] as Float32Array)[index] = ((weights[path] as Float32Array)[index] as number) + offset;
        });
        const { loss: there } = gradientsOf(moved, batch, 1);
        moved.dispose();
        return there;
      };
      const slope = (lossAt(step) - lossAt(-step)) / (2 * step);
      expect((gradients[path] as Float32Array)[index], `${path}[${index}]`).toBeCloseTo(slope, 3);
    }
  });

  it('scales the gradients, not the loss', () => {
    const model = modelOf(name);
    const plain = gradientsOf(model, batch, 1);
    const scaled = gradientsOf(model, batch, 8);
    model.dispose();
    expect(scaled.loss).toBe(plain.loss);
    expect(scaled.gradients['output/kernel']).toEqual(plain.gradients['output/kernel']?.map((value) => value * 8));
  });

  it('takes copies of new weights, and leaves no tensor behind', () => {
    const before = tf.memory().numTensors;
    const model = modelOf(name);
    const first = gradientsOf(model, batch, 1);
    const values = Object.fromEntries(Object.entries(initialWeights(name, 6)).map(([path, { data }]) => [path, data]));
    model.assign(values);
    const second = gradientsOf(model, batch, 1);
    for (const data of Object.values(values)) data.fill(0);
    const third = gradientsOf(model, batch, 1);
    model.dispose();
    expect(second.loss).not.toBe(first.loss);
    expect(third).toEqual(second);
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('first weights come from the seed', () => {
  expect(initialWeights('mlp', 1)).toEqual(initialWeights('mlp', 1));
  expect(initialWeights('mlp', 1)).not.toEqual(initialWeights('mlp', 2));
  const { data } = initialWeights('mlp', 1)['hidden/kernel'] as { data: Float32Array };
  const limit = Math.sqrt(6 / 912);
  expect(data.every((value) => Math.abs(value) <= Math.fround(limit))).toBe(true);
  expect(data.reduce((sum, value) => sum + value, 0) / data.length).toBeCloseTo(0, 3);
});

describe('products on the engine', () => {
  const a = [1, 2, 3, 4, 5, 6];
  const b = [1, 0, 2, -1, 3, 1];
  it.each([
    [false, false, [2, 3], [3, 2]],
    [true, false, [3, 2], [3, 2]],
    [false, true, [2, 3], [2, 3]],
    [true, true, [3, 2], [2, 3]],
  ] as const)('are right with transposed operands (%s, %s)', (transposeA, transposeB, shapeA, shapeB) => {
    const before = tf.memory();
    const at = (x: number[], [, columns]: readonly [number, number], row: number, column: number): number =>
      x[row * columns + column] as number;
    const expected = [0, 1].flatMap((row) =>
      [0, 1].map((column) =>
        [0, 1, 2]
          .map((k) => {
            const left = transposeA ? at(a, shapeA, k, row) : at(a, shapeA, row, k);
            return left * (transposeB ? at(b, shapeB, column, k) : at(b, shapeB, k, column));
          })
          .reduce((sum, value) => sum + value),
      ),
    );
    const product = tf.tidy(() =>
      tf.matMul(tf.tensor2d(a, [...shapeA]), tf.tensor2d(b, [...shapeB]), transposeA, transposeB),
    );
    expect(product.shape).toEqual([2, 2]);
    expect([...product.dataSync()]).toEqual(expected);
    product.dispose();
    expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numDataBuffers: before.numDataBuffers });
  });
});
