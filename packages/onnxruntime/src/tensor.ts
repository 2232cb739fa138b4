import {
  type Backend,
  type DType,
  type FloatArray,
  type HostTensor,
  type ProgramVariable,
  shown,
  shownShape,
  shownTensor,
} from '@sgd/core';
import type { OrtTensor } from './ort.ts';

/** Values on the host: a typed array (of shape `[length]`), one with a shape, or an `ort.Tensor` on the CPU or in a GPU buffer. */
export type OnnxTensor = FloatArray | HostTensor | OrtTensor;

/** Whether a tensor is in a GPU buffer. */
export const onGpu = (tensor: unknown): tensor is OrtTensor & { readonly location: 'gpu-buffer' } =>
  (tensor as OrtTensor | null | undefined)?.location === 'gpu-buffer';

/** The values of a tensor on the host; of anything else, anything. */
export const arrayOf = (tensor: OnnxTensor): FloatArray =>
  ArrayBuffer.isView(tensor) ? tensor : ((onGpu(tensor) ? undefined : tensor?.data) as FloatArray);

const shapeOf = (tensor: OnnxTensor, bare: readonly number[]): readonly number[] =>
  ArrayBuffer.isView(tensor) ? bare : ((tensor as HostTensor)?.shape ?? (tensor as OrtTensor)?.dims);

/** An array that ONNX Runtime takes for one: of another realm (an iframe, `vm`, a test runner's sandbox) it is viewed as one of this. */
export function inRealm(array: FloatArray): FloatArray {
  if (array instanceof Float32Array || array instanceof Float64Array) return array;
  const { buffer, byteOffset, length } = array as FloatArray;
  const wide = (array as FloatArray)[Symbol.toStringTag] === 'Float64Array';
  return wide ? new Float64Array(buffer, byteOffset, length) : new Float32Array(buffer, byteOffset, length);
}

/** The type of the elements, as ONNX Runtime calls it. */
const typeOf = (tensor: OnnxTensor): string | undefined =>
  onGpu(tensor) ? tensor.type : arrayOf(tensor)?.[Symbol.toStringTag]?.slice(0, -5).toLowerCase();

/** Number of elements; NaN for what is no shape. */
export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((size, n) => size * (n >>> 0 === n ? n : NaN), 1);

/** A tensor in a few words, for messages; `wanted` is what a plain array should have been. */
export function came(tensor: OnnxTensor, wanted = 'Float32Array'): string {
  if (onGpu(tensor)) return `${shown(tensor.type)} in a GPU buffer, shape ${shownShape(tensor.dims)}`;
  const data = arrayOf(tensor) ?? tensor;
  if (Array.isArray(data)) return `a plain Array of length ${data.length}: make it a ${wanted}`;
  return shownTensor(data, shapeOf(tensor, [data?.length]));
}

/** Whether there are as many elements as the shape says, where they can be counted. */
const counts = (tensor: OnnxTensor, shape: readonly number[]): boolean =>
  onGpu(tensor) || arrayOf(tensor)?.length === sizeOf(shape);

/** What a variable is. */
export function describe(variable: OnnxTensor): ReturnType<Backend<OnnxTensor>['describe']> {
  const dtype = typeOf(variable);
  const shape = shapeOf(variable, [arrayOf(variable)?.length]);
  if (dtype !== undefined && Array.isArray(shape) && counts(variable, shape)) {
    return { name: (variable as HostTensor).name, shape, dtype };
  }
  throw new TypeError(`not a variable: ${came(variable)}`);
}

/** Whether a gradient has the type, shape and number of elements of its variable. */
export function fits(gradient: OnnxTensor, { dtype, shape }: ProgramVariable): boolean {
  if (typeOf(gradient) !== (dtype satisfies DType)) return false;
  const own = shapeOf(gradient, shape);
  return own?.length === shape.length && shape.every((n, i) => n === own[i]) && counts(gradient, shape);
}

/** A copy on the host. */
export const copyOf = (values: HostTensor): HostTensor => ({ ...values, data: values.data.slice() });
