import type { FloatArray, HostTensor } from '@sgd/core';
import { CLASSES, PIXELS } from './batches.ts';
import { randomStream, uniformValues } from './random.ts';

/** `mlp`: 784-128-10 with relu; `softmax`: 784-10. */
export const MODELS = ['mlp', 'softmax'] as const;
export type ModelName = (typeof MODELS)[number];
/** Values by path. */
export type Values<T = FloatArray> = Readonly<Record<string, T>>;

/** The same paths with what becomes of each value. */
export function mapped<A, B>(values: Values<A>, change: (value: A, path: string) => B): Values<B> {
  return Object.fromEntries(Object.entries(values).map(([path, value]) => [path, change(value, path)]));
}

const LAYERS = {
  mlp: { hidden: [PIXELS, 128], output: [128, CLASSES] },
  softmax: { output: [PIXELS, CLASSES] },
} as const;

/** The shapes of a model's weights, by path. */
export function weightShapes(name: ModelName): Record<string, readonly number[]> {
  const shapes = Object.entries(LAYERS[name]).flatMap(([layer, [inputs, outputs]]) => [
    [`${layer}/kernel`, [inputs, outputs]],
    [`${layer}/bias`, [outputs]],
  ]);
  return Object.fromEntries(shapes) as Record<string, readonly number[]>;
}

/** The weights that a seed gives, by path: kernels uniform in +-sqrt(6 / (inputs + outputs)) (Glorot), biases 0. */
export function initialWeights(name: ModelName, seed: number): Record<string, HostTensor> {
  const random = randomStream(seed, 'weights');
  const weights: Record<string, HostTensor> = {};
  for (const [layer, [inputs, outputs]] of Object.entries(LAYERS[name])) {
    const data = uniformValues(inputs * outputs, Math.sqrt(6 / (inputs + outputs)), random);
    weights[`${layer}/kernel`] = { data, shape: [inputs, outputs], name: `${layer}/kernel` };
    weights[`${layer}/bias`] = { data: new Float32Array(outputs), shape: [outputs], name: `${layer}/bias` };
  }
  return weights;
}
