import { SgdError } from '@sgd/core';
import { numpy as np } from '@jax-js/jax';

/** An array of jax-js, float32, on any of its devices. Its functions consume what they are given: `t.ref` is one use more. */
export type Tensor = np.Array;

/** Elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

export const isTensor = (t: unknown): t is Tensor => t instanceof np.Array;

/** A copy on the default device. jax-js makes no empty array from data. */
export function tensor({
  data,
  shape,
}: {
  readonly data: Float32Array | Float64Array;
  readonly shape: readonly number[];
}): Tensor {
  if (!(data instanceof Float32Array)) throw new SgdError('SGD_UNSUPPORTED', 'sgd-jax: expected float32, got float64');
  return data.length === 0 ? np.zeros([...shape]) : np.array(data.slice()).reshape([...shape]);
}
