import type { FloatArray } from '@sgd/core';
import {
  BLOCK,
  COUNT,
  DECAY,
  FACTOR,
  FINITE,
  GRADIENT,
  KEEP,
  type Kernels,
  LIMIT,
  MIX,
  MOMENTUM,
  NORM,
  RATE,
  SCALE,
  type Stage,
  UPDATE,
} from './plan.ts';

// The stages of float32 without rounding and without unrolling. They are not the same functions: V8 compiles a loop for the types of
// arrays that it has met, and one that has met both is slow with both.
const scratch = new Float64Array(BLOCK);
const old = new Float64Array(BLOCK);
const sums = new Float64Array(64);

const unscale: Stage = ({ k }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = g[i - o]! / k[SCALE]!;
  return scratch;
};

const mean: Stage = ({ v, k }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = (g[i - o]! + v[i]!) / k[COUNT]!;
  return scratch;
};

const clipValue: Stage = ({ k }, g, o, i, e) => {
  const c = k[LIMIT]!;
  for (let t = 0; i < e; i++, t++) scratch[t] = Math.min(Math.max(g[i - o]!, -c), c);
  return scratch;
};

const clipNorm: Stage = ({ k }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = (g[i - o]! * k[LIMIT]!) / k[NORM]!;
  return scratch;
};

const clipGlobal: Stage = ({ w }, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = g[i - o]! * w[FACTOR]!;
  return scratch;
};

const square: Stage = (_p, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) scratch[t] = g[i - o]! * g[i - o]!;
  return scratch;
};

const accumulate: Stage = ({ v }, g, o, i, e) => {
  for (; i < e; i++) v[i] = g[i - o]! + v[i]!;
};

const largest: Stage = ({ v }, g, o, i, e) => {
  for (; i < e; i++) v[i] = Math.max(g[i - o]!, v[i]!);
};

const decay: Stage = ({ x, r }, _g, _o, i, e) => {
  for (; i < e; i++) x[i] = x[i]! - x[i]! * r[DECAY]! * r[RATE]!;
};

const plain: Stage = ({ x, r }, g, o, i, e) => {
  for (; i < e; i++) x[i] = x[i]! - g[i - o]! * r[RATE]!;
};

const momentum: Stage = ({ x, m, r }, g, o, i, e) => {
  for (; i < e; i++) {
    m[i] = m[i]! * r[MOMENTUM]! - g[i - o]! * r[RATE]!;
    x[i] = x[i]! + m[i]!;
  }
};

const nesterov: Stage = ({ x, m, r }, g, o, i, e) => {
  for (; i < e; i++) {
    const move = g[i - o]! * r[RATE]!;
    m[i] = m[i]! * r[MOMENTUM]! - move;
    x[i] = x[i]! + (m[i]! * r[MOMENTUM]! - move);
  }
};

const average: Stage = ({ x, a, k }, _g, _o, i, e) => {
  for (; i < e; i++) a[i] = k[KEEP]! * a[i]! + k[MIX]! * x[i]!;
};

const over: Stage = ({ x, a }, _g, _o, i, e) => {
  for (; i < e; i++) x[i] = a[i]!;
};

const finite: Stage = ({ w }, g, o, i, e) => {
  for (; i < e; i++) w[FINITE]! += g[i - o]! * 0;
};

const gradientNorm: Stage = ({ w }, g, o, i, e) => {
  for (; i < e; i++) w[GRADIENT]! += g[i - o]! * g[i - o]!;
};

const before: Stage = ({ x }, _g, _o, i, e) => {
  for (let t = 0; i < e; i++, t++) old[t] = x[i]!;
};

const moved: Stage = ({ x, w }, _g, _o, i, e) => {
  for (let t = 0; i < e; i++, t++) {
    const d = x[i]! - old[t]!;
    w[UPDATE]! += d * d;
  }
};

const eight = new Float64Array(8);

const pairwise = (a: FloatArray, i: number, n: number, d: number): void => {
  if (n > 128) {
    const h = (n >> 1) & ~7;
    pairwise(a, i, h, d);
    pairwise(a, i + h, n - h, d + 1);
    sums[d]! += sums[d + 1]!;
    return;
  }
  const e = i + n;
  sums[d] = 0;
  if (n > 7) {
    eight.fill(0);
    for (; i + 7 < e; i += 8) for (let t = 0; t < 8; t++) eight[t]! += a[i + t]!;
    for (let t = 0; t < 8; t += 2) eight[t]! += eight[t + 1]!;
    sums[d] = eight[0]! + eight[2]! + (eight[4]! + eight[6]!);
  }
  for (; i < e; i++) sums[d]! += a[i]!;
};

/** The stages in float64. */
export const float64: Kernels = {
  unscale,
  mean,
  clipValue,
  clipNorm,
  clipGlobal,
  square,
  accumulate,
  largest,
  finite,
  gradientNorm,
  before,
  moved,
  pairwise,
  sums,
  plain: [plain],
  momentum: [momentum],
  nesterov: [nesterov],
  plainDecay: [decay, plain],
  momentumDecay: [decay, momentum],
  nesterovDecay: [decay, nesterov],
  average: [average],
  averageOver: [average, over],
};
