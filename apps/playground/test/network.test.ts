import { type Batch, gather, initialWeights, MODELS, PIXELS, splitDigits } from '@sgd/digits';
import { beforeAll, describe, expect, it } from 'vitest';
import { readDigits } from '../../digits/src/data.ts';
import { startEngine } from '../../digits/src/engine.ts';
import { Model } from '../../digits/src/model.ts';
import { gradientsOf } from '../../digits/test/gradients.ts';
import { dense, sparse } from '../src/training/images.ts';
import { type Float32Values, Network } from '../src/training/network.ts';
import { packedDigits } from './digits.ts';

const indices = splitDigits(3).training.slice(0, 40);
let batch: Batch;
beforeAll(async () => {
  await startEngine();
  batch = gather(await readDigits(), indices);
});

const weightsOf = (values: ReturnType<typeof initialWeights>): Float32Values =>
  Object.fromEntries(Object.entries(values).map(([path, { data }]) => [path, data as Float32Array]));

describe.each(MODELS)('the network %s', (name) => {
  const digits = packedDigits();
  const initial = initialWeights(name, 5);
  const network = new Network(name);

  it('has the loss and the gradients of TensorFlow.js', () => {
    const expected = gradientsOf(Model.of(initial), batch, 8);
    const { loss, correct, gradients } = network.gradients(
      weightsOf(initial),
      digits.images,
      digits.labels,
      indices,
      8,
    );
    expect(loss).toBeCloseTo(expected.loss, 5);
    expect(correct).toBe(expected.correct);
    expect(Object.keys(gradients)).toEqual(Object.keys(expected.gradients));
    for (const [path, gradient] of Object.entries(gradients)) {
      const other = expected.gradients[path]!;
      const most = Math.max(...other.map(Math.abs));
      expect(most).toBeGreaterThan(0);
      expect(Math.max(...gradient.map((value, i) => Math.abs(value - other[i]!)))).toBeLessThan(1e-5 * most);
    }
  });

  it('gives the same again', () => {
    const once = network.gradients(weightsOf(initial), digits.images, digits.labels, indices, 1);
    const copy = structuredClone(once);
    expect(network.gradients(weightsOf(initial), digits.images, digits.labels, indices, 1)).toEqual(copy);
  });

  it('recognises as TensorFlow.js does', () => {
    expect(network.correct(weightsOf(initial), digits.images, digits.labels, indices)).toBe(
      gradientsOf(Model.of(initial), batch, 1).correct,
    );
    const probabilities = network.probabilities(weightsOf(initial), digits.images, indices[0]!);
    expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  });

  it('shows NaN where weights are NaN', () => {
    const broken = weightsOf(initialWeights(name, 5));
    broken['output/bias']![3] = Number.NaN;
    expect(network.gradients(broken, digits.images, digits.labels, indices, 1).loss).toBeNaN();
    expect(network.probabilities(broken, digits.images, 0)[0]).toBeNaN();
  });
});

describe('images', () => {
  it('are those of the package mnist, to the bit', async () => {
    const { images, labels } = await readDigits();
    const digits = packedDigits();
    expect(digits.labels).toEqual(labels);
    for (const image of [0, 1, 4711, 9999])
      expect(dense(digits.images, image)).toEqual(images.slice(image * PIXELS, (image + 1) * PIXELS));
    expect(digits.images.values.length).toBe(images.reduce((count, value) => count + (value === 0 ? 0 : 1), 0));
  });

  it('come back from their sparse form', () => {
    const values = Float32Array.from({ length: 3 * PIXELS }, (_, i) => (i % 3 === 0 ? 0 : i / 1000));
    const images = sparse(values);
    for (const image of [0, 1, 2])
      expect(dense(images, image)).toEqual(values.slice(image * PIXELS, (image + 1) * PIXELS));
  });
});
