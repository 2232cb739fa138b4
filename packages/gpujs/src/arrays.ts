import { type Device, onTheHost } from './device.ts';
import { flaws } from './formulas.ts';
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

/** 0 if all elements are finite, else NaN. */
function flaw(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  return sum;
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
      const kernel = kernelOf(gpu, formula, 'Array');
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
    reduce(formula, [x], size) {
      const sum = formula === flaws ? flaw(x!) : dot(x!, x!, 0, size);
      return settled(Float32Array.of(sum));
    },
    measure([x, y]) {
      let sum = 0;
      for (let i = 0; i < x!.length; i++) sum += (x![i]! - (y ? y[i]! : 0)) ** 2;
      return sum;
    },
    total(sums) {
      const all = Float32Array.from(sums, (sum) => sum[0]!);
      return settled(Float32Array.of(dot(all, new Float32Array(all.length).fill(1), 0, all.length)));
    },
  };
}
