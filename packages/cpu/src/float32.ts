import type { FloatArray } from '@sgd/core';
import { BLOCK, COUNT, FACTOR, KEEP, type Kernels, LIMIT, MIX, SCALE, type Stage } from './plan.ts';

// Every operation is rounded to float32, by `f` or by a store. The rules take four elements at a time: V8 then checks for interrupts
// and for the end of the loop once, and the four do not wait for each other. A function that returns a number is inlined there;
// where it were not, it would allocate.
const f = Math.fround;
const scratch = new Float32Array(BLOCK);

const unscale: Stage = ({ k }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = g[i - o]! / k[SCALE]!;
  return scratch;
};

const mean: Stage = ({ accumulator: v, k }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = f(g[i - o]! + v[i]!) / k[COUNT]!;
  return scratch;
};

const clipValue: Stage = ({ k }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = Math.min(Math.max(g[i - o]!, -k[LIMIT]!), k[LIMIT]!);
  return scratch;
};

const clipNorm: Stage = ({ k, w, i: norm }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = f(g[i - o]! * k[LIMIT]!) / w[norm]!;
  return scratch;
};

const clipGlobal: Stage = ({ w }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = g[i - o]! * w[FACTOR]!;
  return scratch;
};

const accumulate: Stage = ({ accumulator: v }, g, o, i, e) => {
  for (; i < e; i++) v[i]! += g[i - o]!;
};

const decay: Stage = ({ variable: x, k, r }, _g, _o, i, e) => {
  for (; i < e; i++) x[i]! -= f(f(x[i]! * k[r + 2]!) * k[r]!);
};

const plain: Stage = ({ variable: x, k, r }, g, o, i, e) => {
  const lr = k[r]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const a = f(g[j]! * lr);
    const b = f(g[j + 1]! * lr);
    const c = f(g[j + 2]! * lr);
    const d = f(g[j + 3]! * lr);
    x[i]! -= a;
    x[i + 1]! -= b;
    x[i + 2]! -= c;
    x[i + 3]! -= d;
  }
  for (; i < e; i++, j++) x[i]! -= f(g[j]! * lr);
};

const moved = (m: number, beta: number, g: number, lr: number): number => f(f(m * beta) - f(g * lr));

const momentum: Stage = ({ variable: x, momentum: m, k, r }, g, o, i, e) => {
  const lr = k[r]!;
  const beta = k[r + 1]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const a = moved(m[i]!, beta, g[j]!, lr);
    const b = moved(m[i + 1]!, beta, g[j + 1]!, lr);
    const c = moved(m[i + 2]!, beta, g[j + 2]!, lr);
    const d = moved(m[i + 3]!, beta, g[j + 3]!, lr);
    m[i] = a;
    m[i + 1] = b;
    m[i + 2] = c;
    m[i + 3] = d;
    x[i]! += a;
    x[i + 1]! += b;
    x[i + 2]! += c;
    x[i + 3]! += d;
  }
  for (; i < e; i++, j++) {
    const a = moved(m[i]!, beta, g[j]!, lr);
    m[i] = a;
    x[i]! += a;
  }
};

const nesterov: Stage = ({ variable: x, momentum: m, k, r }, g, o, i, e) => {
  const lr = k[r]!;
  const beta = k[r + 1]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const a = moved(m[i]!, beta, g[j]!, lr);
    const b = moved(m[i + 1]!, beta, g[j + 1]!, lr);
    const c = moved(m[i + 2]!, beta, g[j + 2]!, lr);
    const d = moved(m[i + 3]!, beta, g[j + 3]!, lr);
    m[i] = a;
    m[i + 1] = b;
    m[i + 2] = c;
    m[i + 3] = d;
    x[i]! += moved(a, beta, g[j]!, lr);
    x[i + 1]! += moved(b, beta, g[j + 1]!, lr);
    x[i + 2]! += moved(c, beta, g[j + 2]!, lr);
    x[i + 3]! += moved(d, beta, g[j + 3]!, lr);
  }
  for (; i < e; i++, j++) {
    const a = moved(m[i]!, beta, g[j]!, lr);
    m[i] = a;
    x[i]! += moved(a, beta, g[j]!, lr);
  }
};

const average: Stage = ({ variable: x, average: a, k }, _g, _o, i, e) => {
  for (; i < e; i++) a[i] = f(k[KEEP]! * a[i]!) + f(k[MIX]! * x[i]!);
};

const term = (sum: number, a: number, b: number): number => f(sum + f(a * b));

/** In float32. */
export const sums32: FloatArray = new Float32Array(64);

export const sum32 = (a: FloatArray, b: FloatArray, i: number, n: number, d: number): void => {
  const e = i + n;
  let r0 = 0;
  let r1 = 0;
  let r2 = 0;
  let r3 = 0;
  let r4 = 0;
  let r5 = 0;
  let r6 = 0;
  let r7 = 0;
  for (; i + 7 < e; i += 8) {
    r0 = term(r0, a[i]!, b[i]!);
    r1 = term(r1, a[i + 1]!, b[i + 1]!);
    r2 = term(r2, a[i + 2]!, b[i + 2]!);
    r3 = term(r3, a[i + 3]!, b[i + 3]!);
    r4 = term(r4, a[i + 4]!, b[i + 4]!);
    r5 = term(r5, a[i + 5]!, b[i + 5]!);
    r6 = term(r6, a[i + 6]!, b[i + 6]!);
    r7 = term(r7, a[i + 7]!, b[i + 7]!);
  }
  r0 = f(f(f(r0 + r1) + f(r2 + r3)) + f(f(r4 + r5) + f(r6 + r7)));
  for (; i < e; i++) r0 = term(r0, a[i]!, b[i]!);
  sums32[d] = r0;
};

export const kernels32: Kernels = [
  unscale,
  mean,
  clipValue,
  clipNorm,
  clipGlobal,
  accumulate,
  decay,
  plain,
  momentum,
  nesterov,
  average,
];
