import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';

export { layers, tf };

/** Engines that run in Node. */
export const ENGINES = ['cpu', 'wasm'] as const;

/** Makes it the engine of now. */
export async function start(engine: string): Promise<void> {
  tf.enableProdMode();
  if (!(await tf.setBackend(engine))) throw new Error(`${engine} does not start`);
  await tf.ready();
}

/** Deterministic numbers between -1 and 1. */
export function numbers(seed: number, length: number): Float32Array {
  let state = seed | 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const seeded = (seed: number): ReturnType<typeof layers.initializers.glorotUniform> =>
  layers.initializers.glorotUniform({ seed });

/** 20 examples of 6 numbers, in 3 classes. */
export function examples(): { x: tf.Tensor2D; y: tf.Tensor2D } {
  const y = new Float32Array(60);
  for (let i = 0; i < 20; i++) y[3 * i + (i % 3)] = 1;
  return { x: tf.tensor2d(numbers(1, 120), [20, 6]), y: tf.tensor2d(y, [20, 3]) };
}

/** 6-8-3. */
export function dense(): layers.Sequential {
  return layers.sequential({
    layers: [
      layers.layers.dense({ units: 8, inputShape: [6], activation: 'tanh', kernelInitializer: seeded(2) }),
      layers.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: seeded(3) }),
    ],
  });
}

/** Two channels of 3x3 over images of 6x6, then 3 classes. */
export function convolutional(): layers.Sequential {
  return layers.sequential({
    layers: [
      layers.layers.conv2d({ filters: 2, kernelSize: 3, inputShape: [6, 6, 1], kernelInitializer: seeded(4) }),
      layers.layers.flatten(),
      layers.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: seeded(5) }),
    ],
  });
}

/** 20 images for {@link convolutional}. */
export function images(): { x: tf.Tensor4D; y: tf.Tensor2D } {
  const { x, y } = examples();
  x.dispose();
  return { x: tf.tensor4d(numbers(6, 720), [20, 6, 6, 1]), y };
}

/** Copies of the values of a model's weights. */
export const weightsOf = (model: layers.LayersModel): Float32Array[] =>
  model.getWeights().map((weight) => weight.dataSync<'float32'>().slice());

/** A model as it is saved with its optimizer. */
export async function saved(model: layers.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  const handler = tf.io.withSaveHandler(async (given) => {
    artifacts = given;
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
  });
  await model.save(handler, { includeOptimizer: true });
  return artifacts!;
}

/** Saves a model with its optimizer, and loads it as another process would. */
export async function reloaded(model: layers.LayersModel): Promise<layers.LayersModel> {
  // what goes through a file: JSON and bytes
  const { weightData, ...rest } = await saved(model);
  const read = JSON.parse(JSON.stringify(rest)) as tf.io.ModelArtifacts;
  return layers.loadLayersModel(tf.io.fromMemory({ ...read, weightData: weightData! }));
}

interface Memory {
  readSync(dataId: object): Float32Array;
  makeTensorInfo(shape: number[], dtype: string, values: Float32Array): tf.TensorInfo;
  makeOutput(shape: number[], dtype: string, offset: undefined, values: Float32Array): tf.TensorInfo;
  disposeData(dataId: object): boolean;
}

/** tfjs-wasm has no gradient of convolution filters, so that it can't train them: the kernel of cpu is lent to it. */
function lend(kernelName: string): void {
  const { kernelFunc } = tf.getKernel(kernelName, 'cpu');
  tf.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const cpu = tf.findBackend('cpu') as unknown as Memory;
      const wasm = backend as unknown as Memory;
      const copies = Object.entries(inputs as Record<string, tf.TensorInfo>).map(
        ([name, { shape, dtype, dataId }]) =>
          [name, cpu.makeTensorInfo(shape, dtype, wasm.readSync(dataId))] as [string, tf.TensorInfo],
      );
      const made = kernelFunc({ inputs: Object.fromEntries(copies), attrs: attrs!, backend: cpu }) as tf.TensorInfo;
      const result = wasm.makeOutput(made.shape, made.dtype, undefined, cpu.readSync(made.dataId));
      for (const { dataId } of [...copies.map(([, info]) => info), made]) cpu.disposeData(dataId);
      return result;
    },
  });
}
lend('Conv2DBackpropFilter');
