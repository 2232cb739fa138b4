import { SGD as CoreSGD, type SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { LossScaleOptimizer, SGD } from '@sgd/tfjs';
import { describe, expect, it } from 'vitest';
import { convolutional, dense, ENGINES, examples, images, layers, start, tf, weightsOf } from './engines.ts';

const loss = 'categoricalCrossentropy';
const all: SGDOptions = {
  learningRate: 0.3,
  momentum: 0.9,
  nesterov: true,
  weightDecay: 0.01,
  globalClipnorm: 0.5,
  useEma: true,
  emaMomentum: 0.9,
  emaOverwriteFrequency: 7,
  gradientAccumulationSteps: 2,
};

/** Notes the gradients that an optimizer is given. */
function recorded(optimizer: SGD): Float32Array[][] {
  const seen: Float32Array[][] = [];
  const apply = optimizer.applyGradients.bind(optimizer);
  optimizer.applyGradients = (gradients) => {
    seen.push(
      (gradients as readonly { tensor: tf.Tensor }[]).map(({ tensor }) => tensor.dataSync<'float32'>().slice()),
    );
    apply(gradients);
  };
  return seen;
}

describe.each(ENGINES)('on %s', (engine) => {
  it.each([
    ['a dense net', dense, examples],
    ['a convolutional net', convolutional, images],
  ])('fit trains %s for 50 steps to the bits of core on typed arrays', async (_name, make, data) => {
    await start(engine);
    for (const options of [all, { learningRate: 0.1, momentum: 0.9 }, { learningRate: 0.1, clipnorm: 0.1 }]) {
      const model = make();
      const { x, y } = data();
      const initial = weightsOf(model);
      const optimizer = new SGD(options);
      const gradients = recorded(optimizer);
      model.compile({ optimizer, loss });
      await model.fit(x, y, { epochs: 10, batchSize: 4, shuffle: false, verbose: 0 });
      expect(gradients).toHaveLength(50);
      const reference = new CoreSGD(options, cpu());
      reference.build(initial);
      for (const step of gradients) reference.apply(step);
      expect(weightsOf(model)).toEqual(initial);
      expect(optimizer.iterations).toBe(reference.iterations);
      tf.dispose([x, y]);
      model.dispose();
      optimizer.dispose();
    }
  });

  it('learns', async () => {
    await start(engine);
    const model = dense();
    const { x, y } = examples();
    model.compile({
      optimizer: new SGD({ learningRate: 0.5, momentum: 0.9, nesterov: true, globalClipnorm: 1 }),
      loss,
    });
    const { history } = await model.fit(x, y, { epochs: 40, verbose: 0 });
    const losses = history['loss'] as number[];
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
  });

  it('a thousand steps leave the memory as it was, and dispose leaves nothing', async () => {
    await start(engine);
    const weights = tf.tidy(() => [[3, 4], [4], [0]].map((shape) => tf.variable(tf.fill(shape, 1))));
    const gradients = Object.fromEntries(weights.map((w) => [w.name, tf.fill(w.shape, 0.01)]));
    const before = tf.memory();
    const optimizer = new SGD(all, { measure: ['gradient-norm', 'update-norm'], nonFinite: 'skip' });
    for (let step = 0; step < 10; step++) optimizer.applyGradients(gradients);
    await optimizer.getWeights();
    const { numTensors, numBytes, numDataBuffers } = tf.memory();
    for (let step = 0; step < 1000; step++) optimizer.applyGradients(gradients);
    await optimizer.getWeights();
    await optimizer.measured();
    expect(tf.memory()).toMatchObject({ numTensors, numBytes, numDataBuffers });
    optimizer.dispose();
    const { numTensors: tensors, numBytes: bytes, numDataBuffers: buffers } = before;
    expect(tf.memory()).toMatchObject({ numTensors: tensors, numBytes: bytes, numDataBuffers: buffers });
    tf.dispose([weights, gradients]);
  });

  it('a loss scale changes neither the loss nor, when it is a power of two, the weights', async () => {
    await start(engine);
    const { x, y } = examples();
    const results: unknown[] = [];
    for (const optimizer of [
      new SGD({ learningRate: 0.1 }),
      new SGD({ learningRate: 0.1, lossScaleFactor: 1024 }),
      new LossScaleOptimizer(new SGD({ learningRate: 0.1 }), { initialScale: 256 }),
    ]) {
      const model = dense();
      model.compile({ optimizer, loss });
      const { history } = await model.fit(x, y, { epochs: 3, shuffle: false, verbose: 0 });
      results.push([history, weightsOf(model)]);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    tf.dispose([x, y]);
  });

  it('dynamic loss scaling drops a step that is not finite', async () => {
    await start(engine);
    const w = tf.variable(tf.tensor1d([1, 2]));
    const optimizer = new LossScaleOptimizer(new SGD({ learningRate: 0.5 }), { initialScale: 4 });
    const cost = (scale: number) => (): tf.Scalar => tf.mul(tf.sum(w), scale);
    optimizer.minimize(cost(1));
    expect(Array.from(w.dataSync())).toEqual([0.5, 1.5]);
    optimizer.minimize(cost(Infinity));
    expect(Array.from(w.dataSync())).toEqual([0.5, 1.5]);
    expect([optimizer.dynamicScale, optimizer.stepCounter]).toEqual([2, 0]);
    optimizer.dispose();
    w.dispose();
  });
});

describe('callbacks', () => {
  const emas = { learningRate: 0.5, useEma: true, emaMomentum: 0.5 };
  const run = async (
    make: (optimizer: SGD) => layers.CustomCallbackArgs[],
    options: SGDOptions = emas,
  ): Promise<Float32Array[]> => {
    await start('cpu');
    const model = dense();
    const { x, y } = examples();
    const optimizer = new SGD(options);
    model.compile({ optimizer, loss });
    const args = { epochs: 4, shuffle: false, verbose: 0 as const, validationData: [x, y] as [tf.Tensor, tf.Tensor] };
    await model.fit(x, y, { ...args, callbacks: make(optimizer) });
    const { average } = Object.fromEntries(
      (await optimizer.getWeights()).filter(({ name }) => name.endsWith('_average')).map((w) => ['average', w.tensor]),
    );
    if (average) expect(average.dataSync()).toHaveLength(3); // the last bias
    return weightsOf(model);
  };
  const early = (): layers.EarlyStopping =>
    layers.callbacks.earlyStopping({ monitor: 'val_loss', minDelta: 100, patience: 1 });

  it('put the averages into the weights at the end', async () => {
    const plain = await run(() => []);
    const final = await run((optimizer) => optimizer.callbacks());
    expect(final).not.toEqual(plain);
    const model = dense();
    const optimizer = new SGD(emas);
    const { x, y } = examples();
    model.compile({ optimizer, loss });
    await model.fit(x, y, { epochs: 4, shuffle: false, verbose: 0 });
    optimizer.finalize();
    expect(final).toEqual(weightsOf(model));
  });

  it('also after early stopping, before or behind them in the list', async () => {
    const stopped = await run((optimizer) => optimizer.callbacks(early()));
    const listed = await run((optimizer) => [early(), ...optimizer.callbacks()]);
    const full = await run((optimizer) => optimizer.callbacks());
    expect(listed).toEqual(stopped);
    expect(stopped).not.toEqual(full);
  });

  it('leave batches alone: no hook that makes fit read the loss back', async () => {
    const seen: unknown[] = [];
    const log = { onEpochEnd: (_: number, logs: unknown) => seen.push(logs) };
    await run((optimizer) => optimizer.callbacks(log));
    expect(seen).toHaveLength(4);
    const [own] = new SGD().callbacks() as unknown as Record<string, unknown>[];
    expect([own!['onBatchEnd'], own!['onBatchBegin'], own!['onEpochEnd']]).toEqual([undefined, undefined, undefined]);
  });

  it('do nothing without averages, or without a step', async () => {
    await run((optimizer) => optimizer.callbacks(), { learningRate: 0.1 });
    const optimizer = new SGD(emas);
    expect(() => optimizer.finalize()).not.toThrow();
  });

  it('a swap evaluates on the averages, and back', async () => {
    const w = tf.variable(tf.tensor1d([4]));
    const optimizer = new SGD({ learningRate: 1, useEma: true, emaMomentum: 0.5 });
    const g = tf.tensor1d([2]);
    for (let i = 0; i < 2; i++) optimizer.applyGradients([{ name: w.name, tensor: g }]);
    expect(w.dataSync()[0]).toBe(0);
    optimizer.swapAverages();
    expect(w.dataSync()[0]).toBe(1);
    expect(() => optimizer.applyGradients([{ name: w.name, tensor: g }])).toThrow(/swapped in/);
    optimizer.swapAverages();
    expect(w.dataSync()[0]).toBe(0);
    optimizer.dispose();
    tf.dispose([w, g]);
  });
});
