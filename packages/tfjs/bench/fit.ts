import { SGD } from '@sgd/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { initializers, layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { copies, distance, numbers, type Row, settle, start, summary } from './timing.ts';

/** What is timed. */
export interface FitOptions {
  readonly engine: string;
  /** Epochs of each contender, after one to warm up. */
  readonly samples: number;
  /** Of an epoch, in batches of 32; an eighth of them for the convolutional model. */
  readonly examples: number;
  readonly models: readonly ('dense' | 'conv')[];
}

const [RATE, MOMENTUM] = [0.01, 0.9];
const CONTENDERS: Readonly<Record<string, () => tf.Optimizer>> = {
  'tf.train.momentum': () => tf.train.momentum(RATE, MOMENTUM),
  '@sgd/tfjs': () => new SGD({ learningRate: RATE, momentum: MOMENTUM }),
};

const kernelInitializer = (seed: number): ReturnType<typeof initializers.glorotUniform> =>
  initializers.glorotUniform({ seed });

const conv = (filters: number): ReturnType<typeof layers.conv2d> =>
  layers.conv2d({ filters, kernelSize: 3, activation: 'relu', kernelInitializer: kernelInitializer(filters) });
const pool = (): ReturnType<typeof layers.maxPooling2d> => layers.maxPooling2d({ poolSize: 2 });
const output = (): ReturnType<typeof layers.dense> =>
  layers.dense({ units: 10, activation: 'softmax', kernelInitializer: kernelInitializer(10) });

/** Over images of 28x28. */
const MODELS: Readonly<Record<'dense' | 'conv', () => Sequential>> = {
  dense: () => {
    const hidden = layers.dense({ units: 128, activation: 'relu', kernelInitializer: kernelInitializer(128) });
    return sequential({ layers: [layers.flatten({ inputShape: [28, 28, 1] }), hidden, output()] });
  },
  conv: () => {
    const image = layers.inputLayer({ inputShape: [28, 28, 1] });
    return sequential({ layers: [image, conv(8), pool(), conv(16), pool(), layers.flatten(), output()] });
  },
};

function data(examples: number): { x: tf.Tensor; y: tf.Tensor } {
  const classes = new Float32Array(10 * examples);
  for (let i = 0; i < examples; i++) classes[10 * i + ((i * 7) % 10)] = 1;
  return { x: tf.tensor(numbers(1, 784 * examples), [examples, 28, 28, 1]), y: tf.tensor(classes, [examples, 10]) };
}

/** One epoch of `fit`, in milliseconds. */
async function epoch(model: Sequential, { x, y }: ReturnType<typeof data>): Promise<number> {
  const last = model.trainableWeights.at(-1)!.read();
  await settle(last);
  const before = performance.now();
  await model.fit(x, y, { epochs: 1, batchSize: 32, shuffle: false, verbose: 0 });
  await settle(model.trainableWeights.at(-1)!.read());
  return performance.now() - before;
}

/** Epochs of `fit`, on the same data from the same weights. Contenders take turns, and the order changes every time. */
export async function measureFit({ engine, samples, examples, models }: FitOptions): Promise<Row[]> {
  await start(engine);
  const rows: Row[] = [];
  for (const what of models) {
    // tfjs-wasm has no gradient of convolution filters
    if (engine === 'wasm' && what === 'conv') continue;
    const given = data(what === 'conv' ? Math.ceil(examples / 8) : examples);
    const started = Object.entries(CONTENDERS).map(([contender, optimizer]) => {
      const model = MODELS[what]();
      model.compile({ optimizer: optimizer(), loss: 'categoricalCrossentropy' });
      return { contender, model, times: [] as number[] };
    });
    for (const { model } of started) await epoch(model, given);
    const weights = await Promise.all(started.map(({ model }) => copies(model.getWeights())));
    for (let sample = 0; sample < samples; sample++) {
      const turn = sample % 2 ? started.toReversed() : started;
      for (const { model, times } of turn) times.push(await epoch(model, given));
    }
    started.forEach(({ contender, times }, i) => {
      const difference = distance(weights[i]!, weights[0]!);
      rows.push({ engine, what, contender, ...summary(times), difference });
    });
    for (const { model } of started) {
      model.optimizer.dispose();
      model.dispose();
    }
    tf.dispose(Object.values(given));
    console.log(`${engine}: ${what}`);
  }
  return rows;
}
