import type { FloatArray } from '@sgd/core';

/** Types that the goldens are recorded in. */
export type GoldenType = 'float16' | 'float32' | 'float64';

const f64 = new Float64Array(1);
const i64 = new BigInt64Array(f64.buffer);
const f32 = new Float32Array(1);
const i32 = new Int32Array(f32.buffer);

/** The nearest half-precision number, ties to even. */
export function roundToHalf(x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const magnitude = Math.abs(x);
  if (magnitude >= 65520) return x > 0 ? Infinity : -Infinity;
  // the distance of neighbours: 2^-24 below 2^-14, else 2^-10 of the power of two below
  const spacing = magnitude < 2 ** -14 ? 2 ** -24 : 2 ** (exponentOf(magnitude) - 10);
  return roundTiesToEven(x / spacing) * spacing;
}

function exponentOf(x: number): number {
  f64[0] = x;
  return Number((i64[0]! >> 52n) & 0x7ffn) - 1023;
}

function roundTiesToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Rounds to the type. */
export function roundTo(dtype: GoldenType, x: number): number {
  return dtype === 'float64' ? x : dtype === 'float32' ? Math.fround(x) : roundToHalf(x);
}

/** Equal as numbers: NaN equals NaN and 0 equals -0. */
export function same(a: number, b: number): boolean {
  return a === b || (a !== a && b !== b);
}

/** A position in the ordered list of all float32 or float64 numbers (0 and -0 share one). */
function position(x: number, dtype: 'float32' | 'float64'): bigint {
  if (dtype === 'float32') {
    f32[0] = x;
    const bits = i32[0]!;
    return BigInt(bits < 0 ? -2147483648 - bits : bits);
  }
  f64[0] = x;
  const bits = i64[0]!;
  return bits < 0n ? -(2n ** 63n) - bits : bits;
}

/** How many steps from one neighbour to the next lie between two numbers; Infinity when only one of them is NaN. */
export function ulpsBetween(a: number, b: number, dtype: 'float32' | 'float64'): number {
  if (same(a, b)) return 0;
  if (Number.isNaN(a) || Number.isNaN(b)) return Infinity;
  const distance = position(a, dtype) - position(b, dtype);
  return Number(distance < 0n ? -distance : distance);
}

/** The neighbour `steps` further up (or down, when negative). */
export function neighbour(x: number, steps: number, dtype: 'float32' | 'float64'): number {
  if (!Number.isFinite(x)) return x;
  if (dtype === 'float32') {
    f32[0] = x;
    const bits = i32[0]!;
    const to = (bits < 0 ? -2147483648 - bits : bits) + steps;
    i32[0] = to < 0 ? -2147483648 - to : to;
    return f32[0]!;
  }
  const to = position(x, dtype) + BigInt(steps);
  i64[0] = to < 0n ? -(2n ** 63n) - to : to;
  return f64[0]!;
}

/** The largest finite magnitude of an array; 0 when there is none. */
export function largestMagnitude(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > largest && magnitude !== Infinity) largest = magnitude;
  }
  return largest;
}

/** Whether two arrays hold the same bits (so that 0 and -0 differ); every NaN counts as one. */
export function identical(a: FloatArray, b: FloatArray): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}
