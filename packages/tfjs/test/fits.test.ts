import { defineSGD } from '@sgd/tfjs/define';
import { LossScaleOptimizer, SGD } from '@sgd/tfjs';
import type { SGDOptions } from '@sgd/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { dense, examples, layers, start, tf, weightsOf } from './engines.ts';

const loss = 'categoricalCrossentropy';
const emas: SGDOptions = { learningRate: 0.5, useEma: true, emaMomentum: 0.5 };
const args = { epochs: 2, batchSize: 5, shuffle: false, verbose: 0 as const };
beforeAll(() => start('cpu'));

interface Trained {
  readonly model: layers.Sequential;
  readonly warnings: string[];
}
type Make = (warn: (message: string) => void) => SGD | LossScaleOptimizer;
type Train = (model: layers.Sequential, optimizer: SGD | LossScaleOptimizer) => Promise<unknown>;

const fit: Train = (model) => {
  const { x, y } = examples();
  return model.fit(x, y, args);
};
const fitDataset: Train = (model) => {
  let left = 0;
  const next = async () => {
    const { x, y } = examples();
    return left-- > 0 ? { value: { xs: x, ys: y }, done: false } : { value: null, done: true };
  };
  const iterator = async () => {
    left = 3;
    return { next };
  };
  return model.fitDataset({ iterator } as unknown as Parameters<typeof model.fitDataset>[0], { epochs: 2, verbose: 0 });
};

async function trained(make: Make, train: Train = fit): Promise<Trained> {
  const warnings: string[] = [];
  const model = dense();
  const optimizer = make((message) => warnings.push(message));
  model.compile({ optimizer, loss });
  await train(model, optimizer);
  return { model, warnings };
}
const sgd =
  (options: SGDOptions = emas): Make =>
  (warn) =>
    new SGD(options, { warn });
const scaled: Make = (warn) => new LossScaleOptimizer(new SGD(emas, { warn }), { initialScale: 8 });

describe('training in parts', () => {
  it('goes on from the averages after each fit with callbacks, and as one fit when only the last one has them', async () => {
    const parts = async (which: readonly boolean[], epochs: number): Promise<Float32Array[]> => {
      const { model } = await trained(sgd(), async (m, optimizer) => {
        const { x, y } = examples();
        for (const last of which) await m.fit(x, y, { ...args, epochs, callbacks: last ? optimizer.callbacks() : [] });
      });
      return weightsOf(model);
    };
    const whole = await parts([true], 4);
    expect(await parts([false, true], 2)).toEqual(whole);
    expect(await parts([true, true], 2)).not.toEqual(whole);
  });
});

// before any test that hands tfjs-layers over, after which nothing needs a warning
describe('where tfjs does not tell of fits, one that leaves the averages alone', () => {
  it.each([
    ['fit', fit],
    ['fitDataset', fitDataset],
  ])('is said once: %s', async (_name, train) => {
    for (const make of [sgd(), scaled]) {
      const twice: Train = async (model, optimizer) => {
        await train(model, optimizer);
        await train(model, optimizer);
      };
      const { warnings } = await trained(make, twice);
      expect(warnings).toEqual([expect.stringMatching(/^useEma: .*optimizer\.callbacks\(\).*optimizer\.finalize\(\)/)]);
    }
  });

  it('is said after the first batch already, and to the console by default', async () => {
    const own = globalThis.console;
    const lines: string[] = [];
    globalThis.console = { ...own, warn: (line: string) => lines.push(line) };
    try {
      const once: Train = (model) => {
        const { x, y } = examples();
        return model.fit(x, y, { ...args, epochs: 1, batchSize: 20 });
      };
      await trained(() => new SGD(emas), once);
    } finally {
      globalThis.console = own;
    }
    expect(lines).toEqual([expect.stringContaining('optimizer.callbacks()')]);
  });

  it.each<[string, Make, Train]>([
    ['without averages', sgd({ learningRate: 0.5 }), fit],
    [
      'with callbacks',
      sgd(),
      (model, optimizer) => {
        const { x, y } = examples();
        return model.fit(x, y, { ...args, callbacks: optimizer.callbacks() });
      },
    ],
    [
      'by someone who has used the averages',
      sgd(),
      async (model, optimizer) => {
        optimizer.finalize();
        await fit(model, optimizer);
      },
    ],
    [
      'by trainOnBatch',
      sgd(),
      async (model) => {
        const { x, y } = examples();
        for (let i = 0; i < 3; i++) await model.trainOnBatch(x, y);
      },
    ],
    [
      'by minimize',
      sgd(),
      async (_, optimizer) => {
        const w = tf.variable(tf.scalar(1));
        for (let i = 0; i < 3; i++) optimizer.minimize(() => tf.square(w), true, [w])?.dispose();
        optimizer.minimize(() => tf.square(w), true)?.dispose();
      },
    ],
  ])('is not said %s', async (_name, make, train) => {
    const { warnings } = await trained(make, train);
    await Promise.resolve();
    expect(warnings).toEqual([]);
  });
});

describe('where tfjs tells of fits', () => {
  const finalized = async (train: Train): Promise<Float32Array[]> => {
    const { model } = await trained(sgd(), async (m, optimizer) => {
      await train(m, optimizer);
      optimizer.finalize();
    });
    return weightsOf(model);
  };

  it.each([
    ['fit', fit],
    ['fitDataset', fitDataset],
  ])('%s ends with the averages in the weights, as in Keras, and constraints applied', async (_name, train) => {
    const expected = await finalized(train);
    const defined = defineSGD({ ...tf, ...layers });
    defineSGD({ ...tf, ...layers }); // twice is once
    for (const { SGD: Own, LossScaleOptimizer: Wrapper } of [defined, { SGD, LossScaleOptimizer }]) {
      for (const make of [
        (warn: (message: string) => void) => new Own(emas, { warn }),
        (warn: (message: string) => void) => new Wrapper(new Own(emas, { warn }), { initialScale: 8 }),
      ]) {
        const { model, warnings } = await trained(make, train);
        expect(weightsOf(model)).toEqual(expected);
        expect(warnings).toEqual([]);
      }
    }
  });

  it('before callbacks hear of the end, beside those of the optimizer, and after an early stop', async () => {
    const expected = await finalized(async (model) => {
      const { x, y } = examples();
      await model.fit(x, y, { ...args, epochs: 1 });
    });
    let seen: Float32Array[] = [];
    const { model } = await trained(sgd(), (m, optimizer) => {
      const { x, y } = examples();
      const stop = new layers.CustomCallback({
        onEpochEnd: async () => {
          m.stopTraining = true;
        },
        onTrainEnd: async () => {
          seen = weightsOf(m);
        },
      });
      return m.fit(x, y, { ...args, callbacks: [stop, ...optimizer.callbacks()] });
    });
    expect(seen).toEqual(expected);
    expect(weightsOf(model)).toEqual(expected);
  });

  it('constraints of layers are applied', async () => {
    const model = layers.sequential({
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
    model.compile({ optimizer: new SGD({ learningRate: 0.5 }), loss });
    await fit(model, model.optimizer as SGD);
    expect(Math.min(...weightsOf(model)[0]!)).toBe(0);
  });

  it("models with optimizers of tfjs train as before, and nothing waits for a batch's loss", async () => {
    const model = dense();
    model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss });
    const twin = dense();
    twin.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss });
    const { x, y } = examples();
    await fit(model, model.optimizer as SGD);
    for (let epoch = 0; epoch < 2; epoch++) {
      for (let i = 0; i < 4; i++)
        await twin.trainOnBatch(tf.slice(x, [i * 5, 0], [5, 6]), tf.slice(y, [i * 5, 0], [5, 3]));
    }
    expect(weightsOf(model)).toEqual(weightsOf(twin));
  });
});
