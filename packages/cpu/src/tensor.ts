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

/** `"float32"` for a `Float32Array` of any realm, likewise for the others; `undefined` for what is no typed array. */
export function typeOf(data: unknown): string | undefined {
  if (!ArrayBuffer.isView(data)) return undefined;
  const tag = (data as FloatArray)[Symbol.toStringTag] as string | undefined;
  if (tag === 'Float32Array') return 'float32';
  return tag?.endsWith('Array') ? tag.slice(0, -5).toLowerCase() : undefined;
}

/** The array of a variable or gradient. */
export const arrayOf = (tensor: CpuVariable): FloatArray => (ArrayBuffer.isView(tensor) ? tensor : tensor.data);

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

/** A value in a few words, for messages. */
export function came(value: unknown): string {
  const type = typeOf(value);
  if (type) return `a ${type} array of length ${(value as FloatArray).length}`;
  if (Array.isArray(value)) return 'a plain array';
  if (typeof value !== 'object' || value === null) return String(value);
  const { data, shape } = value as Partial<Shaped>;
  return `an object with data ${came(data)} and shape ${Array.isArray(shape) ? `[${shape.join(', ')}]` : String(shape)}`;
}
