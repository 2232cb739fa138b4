import type { FloatArray } from '@sgd/core';
import { BLOCK, FINITE, GRADIENT, type Stage, UPDATE } from '../plan.ts';

const f = Math.fround;
const old = new Float32Array(BLOCK);
/** What `pairwise` leaves its sums in; a store rounds. */
export const sums: Float32Array = new Float32Array(64);

export const finite: Stage = ({ w }, g, o, i, e) => {
  // float32 numbers summed in float64 can't overflow: the sum is finite if all of them are
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  i -= o;
  e -= o;
  for (; i + 3 < e; i += 4) {
    a += g[i]!;
    b += g[i + 1]!;
    c += g[i + 2]!;
    d += g[i + 3]!;
  }
  for (; i < e; i++) a += g[i]!;
  w[FINITE]! += (a + b + c + d) * 0;
};

export const gradientNorm: Stage = ({ w }, g, o, i, e) => {
  let a = 0;
  let b = 0;
  i -= o;
  e -= o;
  for (; i + 1 < e; i += 2) {
    a += g[i]! * g[i]!;
    b += g[i + 1]! * g[i + 1]!;
  }
  if (i < e) a += g[i]! * g[i]!;
  w[GRADIENT]! += a + b;
};

export const before: Stage = ({ x }, _g, _o, i, e) => {
  for (let t = 0; i < e; i++, t++) old[t] = x[i]!;
};

export const moved: Stage = ({ x, w }, _g, _o, i, e) => {
  let a = 0;
  let b = 0;
  let t = 0;
  for (; i + 1 < e; i += 2, t += 2) {
    const c = x[i]! - old[t]!;
    const d = x[i + 1]! - old[t + 1]!;
    a += c * c;
    b += d * d;
  }
  if (i < e) a += (x[i]! - old[t]!) ** 2;
  w[UPDATE]! += a + b;
};

/** `sums[d] = a[i] + ... + a[i + n - 1]`, in numpy's order, with the entries after `d` as working space. */
export const pairwise = (a: FloatArray, i: number, n: number, d: number): void => {
  if (n > 128) {
    const h = (n >> 1) & ~7;
    pairwise(a, i, h, d);
    pairwise(a, i + h, n - h, d + 1);
    sums[d]! += sums[d + 1]!;
    return;
  }
  const e = i + n;
  let sum = 0;
  if (n > 7) {
    let r0 = a[i]!;
    let r1 = a[i + 1]!;
    let r2 = a[i + 2]!;
    let r3 = a[i + 3]!;
    let r4 = a[i + 4]!;
    let r5 = a[i + 5]!;
    let r6 = a[i + 6]!;
    let r7 = a[i + 7]!;
    for (i += 8; i + 7 < e; i += 8) {
      r0 = f(r0 + a[i]!);
      r1 = f(r1 + a[i + 1]!);
      r2 = f(r2 + a[i + 2]!);
      r3 = f(r3 + a[i + 3]!);
      r4 = f(r4 + a[i + 4]!);
      r5 = f(r5 + a[i + 5]!);
      r6 = f(r6 + a[i + 6]!);
      r7 = f(r7 + a[i + 7]!);
    }
    sum = f(f(f(r0 + r1) + f(r2 + r3)) + f(f(r4 + r5) + f(r6 + r7)));
  }
  for (; i < e; i++) sum = f(sum + a[i]!);
  sums[d] = sum;
};
