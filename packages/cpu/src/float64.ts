import type { FloatArray } from '@sgd/core';
import { BLOCK, COUNT, FACTOR, KEEP, type Kernels, LIMIT, MIX, SCALE, type Stage } from './plan.ts';

// The stages of float32 without rounding, and no faster than is simple. They are not the same functions: V8 compiles a loop for the
// types of arrays that it has met, and a loop that has met both is slow with both.
const scratch = new Float64Array(BLOCK);

const unscale: Stage = ({ k }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = g[i - o]! / k[SCALE]!;
  return scratch;
};

const mean: Stage = ({ accumulator: v, k }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = (g[i - o]! + v[i]!) / k[COUNT]!;
  return scratch;
};

const clipValue: Stage = ({ k }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = Math.min(Math.max(g[i - o]!, -k[LIMIT]!), k[LIMIT]!);
  return scratch;
};

const clipNorm: Stage = ({ k, w, i: norm }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = (g[i - o]! * k[LIMIT]!) / w[norm]!;
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
  for (; i < e; i++) x[i]! -= x[i]! * k[r + 2]! * k[r]!;
};

const plain: Stage = ({ variable: x, k, r }, g, o, i, e) => {
  for (; i < e; i++) x[i]! -= g[i - o]! * k[r]!;
};

const momentum: Stage = ({ variable: x, momentum: m, k, r }, g, o, i, e) => {
  for (; i < e; i++) x[i]! += m[i] = m[i]! * k[r + 1]! - g[i - o]! * k[r]!;
};

const nesterov: Stage = ({ variable: x, momentum: m, k, r }, g, o, i, e) => {
  for (; i < e; i++) {
    m[i] = m[i]! * k[r + 1]! - g[i - o]! * k[r]!;
    x[i]! += m[i]! * k[r + 1]! - g[i - o]! * k[r]!;
  }
};

const average: Stage = ({ variable: x, average: a, k }, _g, _o, i, e) => {
  for (; i < e; i++) a[i] = k[KEEP]! * a[i]! + k[MIX]! * x[i]!;
};

const eight = new Float64Array(8);

/** In float64. */
export const sums64: FloatArray = new Float64Array(64);

export const sum64 = (a: FloatArray, b: FloatArray, i: number, n: number, d: number): void => {
  const e = i + n;
  eight.fill(0);
  for (; i + 7 < e; i += 8) for (let t = 0; t < 8; t++) eight[t]! += a[i + t]! * b[i + t]!;
  for (let t = 0; t < 8; t += 2) eight[t]! += eight[t + 1]!;
  sums64[d] = eight[0]! + eight[2]! + (eight[4]! + eight[6]!);
  for (; i < e; i++) sums64[d]! += a[i]! * b[i]!;
};

export const kernels64: Kernels = [
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
