import { type Device, onTheHost } from './device.ts';
import type { Gpu, GpuRows } from './gpu.ts';
import { kernelOf } from './kernels.ts';

const HOST_ARRAYS = { kind: 'Array' } as const;

function rowsOf(values: Float32Array, shape: readonly number[], from = 0): Float32Array | GpuRows {
  const [length, ...inner] = shape as readonly [number, ...number[]];
  if (inner.length === 0) return values.subarray(from, from + length);
  const size = inner.reduce((a, b) => a * b, 1);
  return Array.from({ length }, (_, i) => rowsOf(values, inner, from + i * size)) as GpuRows;
}

const viewOf = (values: Float32Array, shape: readonly number[]): object =>
  shape.length < 2 || shape.length > 3 || values.length === 0 ? values : rowsOf(values, shape);

/** Arrays from this length on are given back at once: 8 MB a step would otherwise wait for the garbage collector. */
const LARGE = 1 << 15;

const host = globalThis as unknown as {
  structuredClone(value: unknown, options: { transfer: readonly ArrayBufferLike[] }): unknown;
};

/** The modes cpu and webasm: kernels take and return arrays, and the host is the device. The same bits as Keras. */
export function arrays(gpu: Gpu, name: string): Device<Float32Array> {
  /** Large arrays that a kernel made, and that nobody else has. */
  const own = new WeakSet<Float32Array>();
  const give = (tensor: Float32Array): Float32Array => {
    own.delete(tensor);
    return tensor;
  };
  return {
    name,
    mode: 'sync',
    supports: onTheHost,
    tolerance: { rtol: 0, atol: 0 },
    most: Infinity,
    check() {},
    flawOf: () => undefined,
    shapeOf: () => [],
    upload: (values) => values.slice(),
    borrow: (values) => values as Float32Array,
    read: (tensor) => tensor.slice(),
    run(formula, size, tensors, numbers) {
      const kernel = kernelOf(gpu, formula, HOST_ARRAYS);
      kernel.setOutput([size]);
      const made = kernel(...tensors, ...numbers) as Float32Array;
      if (size >= LARGE) own.add(made);
      return made;
    },
    share: give,
    copy: (tensor) => tensor.slice(),
    free(tensor) {
      if (own.delete(tensor)) host.structuredClone(tensor.buffer, { transfer: [tensor.buffer] });
    },
    clear() {},
    handle: (tensor, shape) => viewOf(give(tensor), shape),
    view: (values, shape) => viewOf(values as Float32Array, shape),
    reductions: null,
  };
}
