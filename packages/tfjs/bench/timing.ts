import * as tf from '@tensorflow/tfjs-core';

/** Milliseconds of one contender on one engine. */
export interface Row {
  readonly engine: string;
  readonly what: string;
  readonly contender: string;
  /** The median. */
  readonly ms: number;
  /** Half the distance between the quartiles, as a share of the median. */
  readonly spread: number;
  /** How far the weights are from those of the first contender once the warm-up is over. */
  readonly difference: number;
}

/** Makes it the engine of now. */
export async function start(engine: string): Promise<void> {
  tf.enableProdMode();
  if (!(await tf.setBackend(engine).catch(() => false))) throw new Error(`the engine ${engine} does not start here`);
  await tf.ready();
}

/** Waits until the device is done, by reading one element of what is written last. */
export async function settle(last: tf.Tensor): Promise<void> {
  const engine = tf.getBackend();
  if (engine !== 'webgl' && engine !== 'webgpu') return;
  const one = tf.tidy(() => tf.slice(tf.reshape(last, [-1]), 0, 1));
  if (engine === 'webgl') one.dataSync();
  else await one.data();
  one.dispose();
}

const at = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.round(share * (values.length - 1))]!;

/** Median and spread. */
export function summary(values: readonly number[]): Pick<Row, 'ms' | 'spread'> {
  const ms = at(values, 0.5);
  return { ms, spread: (at(values, 0.75) - at(values, 0.25)) / 2 / ms };
}

/** Copies of the values. */
export const copies = (tensors: readonly tf.Tensor[]): Promise<Float32Array[]> =>
  Promise.all(tensors.map(async (tensor) => (await tensor.data<'float32'>()).slice()));

/** The largest distance between two numbers in the same place. */
export const distance = (a: readonly Float32Array[], b: readonly Float32Array[]): number =>
  a.reduce((most, values, i) => values.reduce((m, x, j) => Math.max(m, Math.abs(x - b[i]![j]!)), most), 0);

/** Deterministic numbers between -1 and 1. */
export function numbers(seed: number, length: number): Float32Array {
  let state = seed | 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
