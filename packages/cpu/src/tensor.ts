import type { FloatArray } from '@sgd/core';

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

/** `"float32"` for a `Float32Array` of any realm, likewise float64; the tag of other typed arrays, `undefined` for the rest. */
export function typeOf(data: unknown): string | undefined {
  const tag = ArrayBuffer.isView(data) ? (data as FloatArray)[Symbol.toStringTag] : undefined;
  return tag === 'Float32Array' ? 'float32' : tag === 'Float64Array' ? 'float64' : tag;
}

/** The array of a variable or gradient. */
export const arrayOf = (tensor: CpuVariable): FloatArray => (ArrayBuffer.isView(tensor) ? tensor : tensor?.data);

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

/** A value in a few words, for messages. */
export function came(value: unknown): string {
  if (ArrayBuffer.isView(value))
    return `a ${(value as FloatArray)[Symbol.toStringTag]} of length ${(value as FloatArray).length}`;
  if (typeof value !== 'object' || !value || Array.isArray(value))
    return Array.isArray(value) ? 'a plain array' : `${typeof value}`;
  const { data, shape } = value as Partial<Shaped>;
  return `${came(data)} with shape [${String(shape)}]`;
}
