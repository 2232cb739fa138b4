import type { SGDOptions } from '@sgd/core';
import { LossScaleOptimizer, PiecewiseConstantDecay, registerAsKerasSGD, SGD } from '@sgd/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dense, examples, layers, reloaded, start, tf, weightsOf } from './engines.ts';

const loss = 'categoricalCrossentropy';
beforeAll(() => start('cpu'));

describe('models that tfjs saved with its own optimizer', () => {
  const own = tf.SGDOptimizer as unknown as tf.serialization.SerializableConstructor<tf.Optimizer>;
  const fit = (model: layers.LayersModel): Promise<unknown> => {
    const { x, y } = examples();
    return model.fit(x, y, { epochs: 2, batchSize: 4, shuffle: false, verbose: 0 });
  };
  /** 10 steps of an optimizer of tfjs, and a step counter of 10. */
  async function trained(optimizer: tf.Optimizer | string): Promise<layers.LayersModel> {
    const model = dense();
    model.compile({ optimizer, loss });
    await fit(model);
    return model;
  }

  describe('after registerAsKerasSGD', () => {
    beforeEach(() => registerAsKerasSGD());
    afterEach(() => void tf.serialization.registerClass(own));

    it.each([
      ['tf.train.sgd', (): tf.Optimizer => tf.train.sgd(0.3)],
      ["'sgd'", (): string => 'sgd'],
    ])('load with the counter of %s, and go on to the same weights', async (_name, make) => {
      const model = await trained(make());
      const loaded = await reloaded(model);
      const optimizer = loaded.optimizer as SGD;
      expect(optimizer).toBeInstanceOf(SGD);
      expect([optimizer.iterations, optimizer.built]).toEqual([10, false]);
      await fit(loaded);
      await fit(model);
      expect(weightsOf(loaded)).toEqual(weightsOf(model));
      expect([optimizer.iterations, model.optimizer.iterations]).toEqual([20, 20]);
      const again = await reloaded(loaded);
      expect([again.optimizer.iterations, (again.optimizer as SGD).built]).toEqual([20, true]);
    });

    it('load again when they are saved before the next step, without a leak', async () => {
      const loaded = await reloaded(await trained('sgd'));
      const { numTensors } = tf.memory();
      const again = await reloaded(loaded);
      expect(again.optimizer.iterations).toBe(10);
      again.dispose();
      again.optimizer.dispose();
      loaded.optimizer.dispose();
      expect(tf.memory().numTensors).toBe(numTensors);
    });

    it('go on in the middle of a schedule', async () => {
      const { optimizer } = await reloaded(await trained('sgd'));
      const schedule = new PiecewiseConstantDecay({ boundaries: [9], values: [1, 0.25] });
      (optimizer as SGD).learningRate = schedule;
      expect((optimizer as SGD).learningRate).toBe(0.25);
      const w = tf.variable(tf.tensor1d([1]));
      optimizer.applyGradients([{ name: w.name, tensor: tf.tensor1d([1]) }]);
      expect(w.dataSync()[0]).toBe(0.75);
    });

    it('of tf.train.momentum stay those of tfjs, whose class has another name', async () => {
      const loaded = await reloaded(await trained(tf.train.momentum(0.1, 0.9)));
      expect(loaded.optimizer).not.toBeInstanceOf(SGD);
      expect(loaded.optimizer.getClassName()).toBe('Momentum');
      expect(loaded.optimizer.iterations).toBe(10);
    });
  });

  it('setWeights takes that counter where there are no slots, built or not', async () => {
    const counter = [{ name: 'iter', tensor: tf.scalar(7, 'int32') }];
    const w = tf.variable(tf.tensor1d([1]));
    for (const wrap of [(sgd: SGD) => sgd, (sgd: SGD) => new LossScaleOptimizer(sgd, { initialScale: 8 })]) {
      for (const variables of [[], [w]]) {
        const optimizer = wrap(new SGD({ learningRate: 1 }));
        if (variables.length > 0) optimizer.build(variables);
        await optimizer.setWeights(counter);
        expect(optimizer.iterations).toBe(7);
        w.assign(tf.tensor1d([1]));
        optimizer.applyGradients([{ name: w.name, tensor: tf.tensor1d([optimizer.scaleLoss(0.5)]) }]);
        expect([w.dataSync()[0], optimizer.iterations]).toEqual([0.5, 8]);
      }
    }
  });

  it.each<[string, SGDOptions, number[]]>([
    ['beside momentum', { momentum: 0.9 }, [7]],
    ['beside averages', { useEma: true }, [7]],
    ['below 0', {}, [-1]],
    ['twice', {}, [1, 2]],
  ])('setWeights refuses a counter %s, and changes nothing', async (_name, options, counters) => {
    const weights = counters.map((n) => ({ name: 'iter', tensor: tf.scalar(n, 'int32') }));
    const w = tf.variable(tf.tensor1d([1]));
    for (const variables of [[], [w]]) {
      const optimizer = new SGD(options);
      if (variables.length > 0) optimizer.build(variables);
      await expect(optimizer.setWeights(weights)).rejects.toMatchObject({ code: 'SGD_STATE_MISMATCH' });
      expect([optimizer.iterations, optimizer.built]).toEqual([0, variables.length > 0]);
    }
  });
});

describe('models of Python Keras', () => {
  /** As `tensorflowjs_converter` writes it. */
  const python = (optimizer: object): tf.io.IOHandler => {
    const kernel = { name: 'd/kernel', shape: [6, 3], dtype: 'float32' as const };
    const config = { name: 'd', trainable: true, units: 3, activation: 'softmax', use_bias: false };
    const layer = { class_name: 'Dense', config: { ...config, batch_input_shape: [null, 6] } };
    return tf.io.fromMemory({
      modelTopology: { model_config: { class_name: 'Sequential', config: { name: 's', layers: [layer] } } },
      trainingConfig: { loss: 'categorical_crossentropy', metrics: [], optimizer_config: optimizer } as never,
      weightSpecs: [kernel],
      weightData: new ArrayBuffer(72),
    });
  };
  const keras2 = { name: 'SGD', learning_rate: 0.05, decay: 0.0, momentum: 0.9, nesterov: true };
  const keras3 = {
    name: 'sgd',
    learning_rate: {
      module: 'keras.optimizers.schedules',
      class_name: 'ExponentialDecay',
      config: {
        initial_learning_rate: 0.5,
        decay_steps: 10,
        decay_rate: 0.5,
        staircase: true,
        name: 'ExponentialDecay',
      },
      registered_name: null,
    },
    weight_decay: 0.01,
    clipnorm: null,
    global_clipnorm: 1.5,
    clipvalue: null,
    use_ema: true,
    ema_momentum: 0.9,
    ema_overwrite_frequency: 4,
    loss_scale_factor: null,
    gradient_accumulation_steps: 2,
    momentum: 0.8,
    nesterov: false,
  };

  it('keep momentum and Nesterov once registerAsKerasSGD was called', async () => {
    const before = await layers.loadLayersModel(python({ class_name: 'SGD', config: { ...keras2 } }));
    expect(before.optimizer).not.toBeInstanceOf(SGD); // tfjs's own, which knows only the rate
    const own = tf.train.sgd(1).constructor as unknown as tf.serialization.SerializableConstructor<tf.Optimizer>;
    registerAsKerasSGD();
    try {
      const model = await layers.loadLayersModel(python({ class_name: 'SGD', config: { ...keras2 } }));
      expect(model.optimizer).toBeInstanceOf(SGD);
      expect(model.optimizer.getConfig()).toMatchObject({ momentum: 0.9, nesterov: true, name: 'SGD' });
      const third = await layers.loadLayersModel(python({ class_name: 'SGD', config: keras3 }));
      expect(third.optimizer.getConfig()).toMatchObject({
        weightDecay: 0.01,
        globalClipnorm: 1.5,
        emaOverwriteFrequency: 4,
        gradientAccumulationSteps: 2,
        momentum: 0.8,
      });
      expect((third.optimizer as SGD).learningRate).toBe(0.5);
      expect(third.optimizer.getClassName()).toBe('SGD'); // so that Python finds it again
      const config = {
        inner_optimizer: { class_name: 'SGD', config: keras2 },
        initial_scale: 16,
        dynamic_growth_steps: 9,
      };
      const scaled = await layers.loadLayersModel(python({ class_name: 'LossScaleOptimizer', config }));
      expect(scaled.optimizer).toBeInstanceOf(LossScaleOptimizer);
      expect((scaled.optimizer as LossScaleOptimizer).dynamicScale).toBe(16);
    } finally {
      tf.serialization.registerClass(own);
    }
  });

  it('an option that Keras does not have is refused', async () => {
    registerAsKerasSGD();
    const bad = { class_name: 'SGD', config: { ...keras2, momentun: 0.9 } };
    await expect(layers.loadLayersModel(python(bad))).rejects.toMatchObject({ code: 'SGD_INVALID_OPTION' });
  });
});
