import { sizeOf } from '@sgd/core/engine';
import { SgdError, shownShape, shownTensor } from '@sgd/core';
import { type GpuBuffer, OF_TENSORS, USAGE } from './gpu.ts';

/** A buffer or an array with a shape. */
export interface WebgpuTensor {
  /** `float32` in row-major order, as many elements as the product of `shape`. */
  readonly data: GpuBuffer | Float32Array;
  /** `[]` for a scalar. */
  readonly shape: readonly number[];
  /** What it is called in paths and messages. */
  readonly name?: string | undefined;
}

/**
 * A buffer of the device, updated where it is, or values on the host, which are copied to the device: bare (the shape is `[elements]`)
 * or with a shape and a name. A buffer needs the usages `STORAGE`, `COPY_SRC` and `COPY_DST`.
 */
export type WebgpuVariable = GpuBuffer | Float32Array | WebgpuTensor;

/** Likewise; a buffer needs the usage `STORAGE` alone. A bare one is of the variable's shape. */
export type WebgpuGradient = WebgpuVariable;

/** Buffers that were freed by this package, which WebGPU does not tell. */
export const freed: WeakSet<GpuBuffer> = new WeakSet();

export const isBuffer = (value: unknown): value is GpuBuffer =>
  typeof (value as GpuBuffer | null)?.mapAsync === 'function';

const isBare = (value: unknown): value is GpuBuffer | Float32Array => ArrayBuffer.isView(value) || isBuffer(value);

/** The buffer or array of a variable or gradient. */
export const dataOf = (value: WebgpuVariable): GpuBuffer | Float32Array => (isBare(value) ? value : value?.data);

function flawOf(buffer: GpuBuffer, usage: number): string | null {
  if (freed.has(buffer)) return 'a buffer that was freed';
  if (buffer.mapState !== 'unmapped') return 'a buffer that is mapped: unmap it';
  if ((buffer.usage & usage) === usage) return null;
  const names = usage === OF_TENSORS ? 'STORAGE, COPY_SRC and COPY_DST' : 'STORAGE';
  return `a buffer of usage ${buffer.usage}, expected ${names}`;
}

/** What a variable is. */
export function describe(variable: WebgpuVariable): {
  name?: string | undefined;
  shape: readonly number[];
  dtype: string;
} {
  const data = dataOf(variable);
  const length = isBuffer(data) ? data.size / 4 : ArrayBuffer.isView(data) ? data.length : NaN;
  const { shape = [length], name } = isBare(variable) ? {} : variable;
  if (!Array.isArray(shape) || sizeOf(shape) !== length) {
    throw new TypeError(`expected a GPUBuffer or Float32Array, bare or with its shape, got ${came(variable)}`);
  }
  const flaw = isBuffer(data) ? flawOf(data, OF_TENSORS) : null;
  if (flaw !== null) throw new SgdError(freed.has(data as GpuBuffer) ? 'SGD_DETACHED' : 'SGD_UNSUPPORTED', flaw);
  const dtype = isBuffer(data) || isFloat32(data) ? 'float32' : (data as Float64Array)[Symbol.toStringTag];
  return { name, shape, dtype };
}

/** `null` when the gradient fits; else what came. */
export function refuses(gradient: WebgpuGradient, expected: readonly number[]): string | null {
  const data = dataOf(gradient);
  const shape = isBare(gradient) ? expected : gradient?.shape;
  const isOnDevice = isBuffer(data);
  if (!isOnDevice && !isFloat32(data)) return came(gradient);
  const length = isOnDevice ? data.size / 4 : data.length;
  const fits = shape?.length === expected.length && expected.every((n, i) => n === shape[i]);
  if (!fits || length !== sizeOf(expected)) return came(gradient);
  return isOnDevice ? flawOf(data, USAGE.STORAGE) : null;
}

const isFloat32 = (data: unknown): data is Float32Array =>
  (data as Float32Array | null | undefined)?.[Symbol.toStringTag] === 'Float32Array';

/** A value in a few words, for messages. */
function came(value: WebgpuVariable): string {
  const data = dataOf(value) ?? value;
  if (Array.isArray(data)) return `a plain Array of length ${data.length}: make it a Float32Array`;
  const shape: unknown = isBare(value) ? undefined : value?.shape;
  if (!isBuffer(data)) return shownTensor(data, shape ?? [(data as Partial<Float32Array>)?.length]);
  return `a buffer of ${data.size} bytes${shape === undefined ? '' : ` and shape ${shownShape(shape)}`}`;
}
