import type { FloatArray } from './contract.ts';

/**
 * An array with the same values that WebGL and WebGPU take: they refuse memory that can be resized or grown. Such an array is copied, any
 * other is returned as it is.
 */
export function ofFixedLength<A extends FloatArray>(array: A): A {
  const { resizable, growable } = array.buffer as { readonly resizable?: boolean; readonly growable?: boolean };
  return resizable === true || growable === true ? (array.slice() as A) : array;
}
