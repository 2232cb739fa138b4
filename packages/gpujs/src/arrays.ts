import { type Device, onTheHost } from './device.ts';
import type { Formula } from './formulas.ts';
import type { Gpu, GpuRows } from './gpu.ts';
import { kernelOf } from './kernels.ts';
import { settled } from './steps.ts';

const R = Math.fround;

/** The sum of `a * b`, every operation rounded, in numpy's pairwise order. */
function dot(a: Float32Array, b: Float32Array, from: number, n: number): number {
  if (n > 128) {
    const half = (n >> 1) & ~7;
    return R(dot(a, b, from, half) + dot(a, b, from + half, n - half));
  }
  const end = from + n;
  let i = from;
  let s = 0;
  if (n >= 8) {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (; i + 7 < end; i += 8) {
      s0 = R(s0 + R(a[i]! * b[i]!));
      s1 = R(s1 + R(a[i + 1]! * b[i + 1]!));
      s2 = R(s2 + R(a[i + 2]! * b[i + 2]!));
      s3 = R(s3 + R(a[i + 3]! * b[i + 3]!));
      s4 = R(s4 + R(a[i + 4]! * b[i + 4]!));
      s5 = R(s5 + R(a[i + 5]! * b[i + 5]!));
      s6 = R(s6 + R(a[i + 6]! * b[i + 6]!));
      s7 = R(s7 + R(a[i + 7]! * b[i + 7]!));
    }
    s = R(R(R(s0 + s1) + R(s2 + s3)) + R(R(s4 + s5) + R(s6 + s7)));
  }
  for (; i < end; i++) s = R(s + R(a[i]! * b[i]!));
  return s;
}

function isFinite(values: Float32Array): boolean {
  let flaw = 0;
  for (let i = 0; i < values.length; i++) flaw += values[i]! - values[i]!;
  return flaw === 0;
}

function energy(x: Float32Array, y: Float32Array | null): number {
  let s = 0;
  if (y === null) for (let i = 0; i < x.length; i++) s += x[i]! * x[i]!;
  else for (let i = 0; i < x.length; i++) s += (x[i]! - y[i]!) ** 2;
  return s;
}

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
export function arrays(gpu: Gpu, name: string): Device<Float32Array, number> {
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
    flawOf: (value) =>
      typeof (value as { toArray?: unknown }).toArray === 'function'
        ? {
            code: 'SGD_UNSUPPORTED',
            text: `a texture, where the GPU is of mode "${name}" and its kernels return arrays: pass what toArray() gives`,
          }
        : undefined,
    shapeOf: () => [],
    upload: (values) => values.slice(),
    borrow: (values) => values as Float32Array,
    read: (tensor) => tensor.slice(),
    run(formula: Formula, size, tensors, numbers = [], count) {
      const kernel = kernelOf(gpu, formula, 'Array');
      kernel.setOutput([size]);
      const made = kernel(...tensors, ...numbers, ...(count === undefined ? [] : [count])) as Float32Array;
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
    squares: (tensor, size) => settled(Float32Array.of(dot(tensor, tensor, 0, size))),
    total(sums) {
      const all = Float32Array.from(sums, (sum) => sum[0]!);
      return settled(Float32Array.of(dot(all, new Float32Array(all.length).fill(1), 0, all.length)));
    },
    finite: (tensors) => settled(tensors.every(isFinite)),
    figure: (x, y) => settled(energy(x, y)),
    forget() {},
    norm: (figures) => settled(Math.sqrt(figures.reduce((a, b) => a + b, 0))),
  };
}
