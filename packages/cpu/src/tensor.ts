import { type FloatArray, shownTensor } from '@sgd/core';

/** A typed array with a shape. */
export interface Shaped {
  /** In row-major order, as many elements as the product of `shape`. */
  readonly data: FloatArray;
  readonly shape: readonly number[];
  readonly name?: string | undefined;
}

/** A `Float32Array` or `Float64Array`, updated in place: bare (its shape is `[length]`) or with a shape and a name. */
export type CpuVariable = FloatArray | Shaped;

/** An array of the variable's type: bare, with as many elements as the variable, or with exactly the variable's shape. */
export type CpuGradient = FloatArray | Shaped;

/** The array of a variable or gradient; of anything else, anything. */
export const arrayOf = (tensor: CpuVariable): FloatArray => (ArrayBuffer.isView(tensor) ? tensor : tensor?.data);

/** The shape of a variable or gradient; that of a bare array is `bare`. */
export const shapeOf = (tensor: CpuVariable, bare: readonly number[]): readonly number[] =>
  ArrayBuffer.isView(tensor) ? bare : tensor?.shape;

/** Whether the shape is as expected and says how many elements there are. */
export function fits(length: number, shape: readonly number[] | undefined, expected: readonly number[]): boolean {
  let size = 1;
  for (let i = 0; i < expected.length; i++) size *= expected[i]! >>> 0 === shape?.[i] ? expected[i]! : NaN;
  return shape?.length === expected.length && length === size;
}

/** A value in a few words, for messages; `wanted` is what a plain array should have been. */
export function came(value: CpuVariable, wanted = 'Float32Array'): string {
  const data = arrayOf(value) ?? value;
  if (Array.isArray(data)) return `a plain Array of length ${data.length}: make it a ${wanted}`;
  return shownTensor(data, shapeOf(value, [data?.length]));
}
