import { SGD as CoreSGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { SGD } from '@sgd/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { dense, examples, layers, start, tf } from './engines.ts';

// What tfjs 4.22 gets wrong in its own optimizers, each with a line that shows that it does, so that this list stays true.
beforeAll(() => start('cpu'));

const one = (): tf.Variable => tf.tidy(() => tf.variable(tf.tensor1d([1])));
const apply = (optimizer: tf.Optimizer, variable: tf.Variable, gradient: number): void =>
  tf.tidy(() => optimizer.applyGradients({ [variable.name]: tf.tensor1d([gradient]) }));
const valueOf = (variable: tf.Variable): number => variable.dataSync()[0]!;

describe('unlike the optimizers of tfjs', () => {
  it('the rate is inside the velocity, as in Keras', () => {
    const [ours, theirs, keras] = [one(), one(), new Float32Array([1])];
    const options = { learningRate: 0.1, momentum: 0.9 };
    const [mine, its] = [new SGD(options), tf.train.momentum(0.1, 0.9)];
    const reference = new CoreSGD(options, cpu());
    reference.build([keras]);
    for (let step = 0; step < 5; step++) {
      if (step === 3) mine.learningRate = reference.learningRate = (its as unknown as SGD).learningRate = 0.01;
      apply(mine, ours, 0.5);
      apply(its, theirs, 0.5);
      reference.apply([new Float32Array([0.5])]);
    }
    expect(valueOf(ours)).toBe(keras[0]);
    expect(valueOf(theirs)).not.toBeCloseTo(keras[0]!, 3);
  });

  it('setting the learning rate has an effect', () => {
    const [ours, theirs] = [one(), one()];
    const [mine, its] = [new SGD({ learningRate: 1, momentum: 0.5 }), tf.train.momentum(1, 0.5)];
    for (const [optimizer, variable] of [
      [mine, ours],
      [its, theirs],
    ] as const) {
      (optimizer as SGD).learningRate = 0;
      apply(optimizer, variable, 1);
    }
    expect([valueOf(ours), valueOf(theirs)]).toEqual([1, 0]);
    mine.setLearningRate(0.5);
    apply(mine, ours, 1);
    expect(valueOf(ours)).toBe(0.5);
  });

  it('there is no setMomentum that does nothing', () => {
    const theirs = one();
    const its = tf.train.momentum(1, 0);
    its.setMomentum(1);
    apply(its, theirs, 1);
    apply(its, theirs, 1);
    expect(valueOf(theirs)).toBe(-1); // with momentum -2
    expect('setMomentum' in new SGD()).toBe(false);
  });

  it('another list of variables keeps each with its own momentum', () => {
    const [a, b] = [one(), one()];
    const run = (optimizer: tf.Optimizer): number => {
      tf.tidy(() => optimizer.applyGradients([a, b].map(({ name }, i) => ({ name, tensor: tf.tensor1d([1 - i]) }))));
      tf.tidy(() => optimizer.applyGradients([{ name: b.name, tensor: tf.tensor1d([0]) }]));
      return valueOf(b);
    };
    expect(run(new SGD({ learningRate: 1, momentum: 0.5 }))).toBe(1);
    expect(run(tf.train.momentum(1, 0.5))).toBe(0.5); // moved by the momentum of a
  });

  it('dispose leaves nothing', () => {
    const variable = one();
    const left = (optimizer: tf.Optimizer): number => {
      const { numTensors } = tf.memory();
      apply(optimizer, variable, 1);
      optimizer.dispose();
      return tf.memory().numTensors - numTensors;
    };
    const its = tf.train.momentum(0.1, 0.9);
    expect(left(new SGD({ momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 }))).toBe(0);
    const { numTensors } = tf.memory();
    left(its);
    expect(tf.memory().numTensors - numTensors).toBeLessThanOrEqual(0); // the scalar that it was made with
    const before = tf.memory().numTensors;
    tf.train.momentum(0.1, 0.9).dispose();
    expect(tf.memory().numTensors).toBeGreaterThan(before); // tfjs#4647
    new SGD({ momentum: 0.9 }).dispose();
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  it('saving leaves nothing behind', async () => {
    const grown = async (optimizer: tf.Optimizer): Promise<number> => {
      const variable = one();
      apply(optimizer, variable, 1);
      await optimizer.getWeights();
      const { numTensors } = tf.memory();
      for (let i = 0; i < 3; i++) await optimizer.getWeights();
      return tf.memory().numTensors - numTensors;
    };
    expect(await grown(new SGD({ momentum: 0.9 }))).toBe(0);
    expect(await grown(tf.train.momentum(0.1, 0.9))).toBe(3); // tfjs#8238
  });

  describe('constraints of layers are applied', () => {
    const constrained = (): layers.Sequential =>
      layers.sequential({
        layers: [
          layers.layers.dense({
            units: 3,
            inputShape: [6],
            activation: 'softmax',
            kernelConstraint: layers.constraints.nonNeg(),
            kernelInitializer: layers.initializers.randomNormal({ seed: 1 }),
          }),
        ],
      });
    const least = (model: layers.LayersModel): number => Math.min(...model.getWeights()[0]!.dataSync());
    const loss = 'categoricalCrossentropy';

    it('by fit', async () => {
      const { x, y } = examples();
      for (const [optimizer, least0] of [
        [new SGD({ learningRate: 0.5 }), true],
        [tf.train.sgd(0.5), false], // tfjs#3345
      ] as const) {
        const model = constrained();
        model.compile({ optimizer, loss });
        const callbacks = optimizer instanceof SGD ? optimizer.callbacks() : [];
        await model.fit(x, y, { epochs: 3, batchSize: 5, verbose: 0, callbacks });
        expect(least(model) >= 0).toBe(least0);
      }
      tf.dispose([x, y]);
    });

    it('by trainOnBatch and fitDataset', async () => {
      const { x, y } = examples();
      const model = constrained();
      const optimizer = new SGD({ learningRate: 0.5, momentum: 0.9 });
      optimizer.constrain(model);
      model.compile({ optimizer, loss });
      const { numTensors } = tf.memory();
      await model.trainOnBatch(x, y);
      await model.trainOnBatch(x, y);
      expect(least(model)).toBeGreaterThanOrEqual(0);
      expect(tf.memory().numTensors).toBe(numTensors + 2); // the momentum
      const batches = [0, 1].map(() => ({ value: { xs: x.clone(), ys: y.clone() }, done: false }));
      const iterator = { next: async () => batches.shift() ?? { value: null, done: true } };
      const dataset = { iterator: async () => iterator } as unknown as Parameters<typeof model.fitDataset>[0];
      await model.fitDataset(dataset, { epochs: 1, verbose: 0 });
      expect(optimizer.iterations).toBe(4);
      expect(least(model)).toBeGreaterThanOrEqual(0);
    });
  });
});

describe('what must hold in tfjs', () => {
  it("a variable's buffer is never written: what was read of it stays", () => {
    const variable = one();
    const live = variable.dataSync();
    const optimizer = new SGD({ learningRate: 0.5 });
    apply(optimizer, variable, 1);
    expect([live[0], valueOf(variable)]).toEqual([1, 0.5]);
  });

  it('is an optimizer, and others are none of ours', () => {
    const { Optimizer } = tf;
    expect(new SGD()).toBeInstanceOf(Optimizer);
    expect(new SGD()).toBeInstanceOf(SGD);
    expect(tf.train.sgd(1)).not.toBeInstanceOf(SGD);
  });

  it('an overwritten variable and its average share nothing', () => {
    const variable = one();
    const optimizer = new SGD({ learningRate: 0.5, useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 1 });
    apply(optimizer, variable, 1);
    const kept = variable.dataSync();
    const copy = kept.slice();
    for (let i = 0; i < 3; i++) apply(optimizer, variable, 1);
    expect(kept).toEqual(copy);
  });

  it('trains a compiled model with trainOnBatch', async () => {
    const model = dense();
    const { x, y } = examples();
    model.compile({ optimizer: new SGD({ learningRate: 0.5 }), loss: 'categoricalCrossentropy' });
    const [first, second] = [await model.trainOnBatch(x, y), await model.trainOnBatch(x, y)] as number[];
    expect(second!).toBeLessThan(first!);
  });

  it('minimize gives the cost when asked, and nulls the rest', () => {
    const variable = one();
    const optimizer = new SGD({ learningRate: 0.5 });
    const { numTensors } = tf.memory();
    expect(optimizer.minimize(() => tf.sum(variable))).toBe(null);
    const cost = optimizer.minimize(() => tf.sum(variable), true, [variable]);
    expect(cost!.dataSync()[0]).toBe(0.5);
    cost!.dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});
