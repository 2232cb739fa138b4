import { BLOCK, COUNT, FACTOR, FINITE, GRADIENT, LIMIT, NORM, OVERWRITE, SCALE, type Stage, UPDATE } from './plan.ts';

// Stages of one operation, which storing its result rounds: they serve both types.

/** `g / lossScale` */
export const unscale: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const c = k[SCALE]!;
  for (let t = 0; i < e; i++, t++) q[t] = g[i - o]! / c;
  return q;
};

/** `g + v` */
export const add: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) q[t] = g[i - o]! + v[i]!;
  return q;
};

/** `g / accumulationSteps` */
export const mean: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const c = k[COUNT]!;
  for (let t = 0; i < e; i++, t++) q[t] = g[i - o]! / c;
  return q;
};

/** `min(max(g, -limit), limit)` */
export const clipValue: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const c = k[LIMIT]!;
  for (let t = 0; i < e; i++, t++) q[t] = Math.min(Math.max(g[i - o]!, -c), c);
  return q;
};

/** `g * limit`, then to be divided by the norm */
export const timesLimit: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const c = k[LIMIT]!;
  for (let t = 0; i < e; i++, t++) q[t] = g[i - o]! * c;
  return q;
};

/** `g / max(norm, limit)` */
export const overNorm: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const c = Math.max(k[NORM]!, k[LIMIT]!);
  for (let t = 0; i < e; i++, t++) q[t] = g[i - o]! / c;
  return q;
};

/** `g * factor`; over two types the factor has more digits than `k` */
export const timesFactor: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const c = w[FACTOR]!;
  for (let t = 0; i < e; i++, t++) q[t] = g[i - o]! * c;
  return q;
};

/** `g * g`, for sums */
export const square: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) q[t] = g[i - o]! * g[i - o]!;
  return q;
};

/** `v = g + v` */
export const accumulate: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (; i < e; i++) v[i]! += g[i - o]!;
};

/** `v = max(g, v)` */
export const largest: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (; i < e; i++) v[i] = Math.max(v[i]!, g[i - o]!);
};

/** `x = v` */
export const take: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (; i < e; i++) x[i] = v[i]!;
};

/** `v = 0` */
export const reset: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  v.fill(0, i, e);
};

/** `x = g` */
export const overwrite: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (; i < e; i++) x[i] = g[i - o]!;
};

/** `x = a`, where averages overwrite in this step */
export const assign: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  if (w[OVERWRITE]) for (; i < e; i++) x[i] = a[i]!;
};

/** Makes a figure NaN when an element is not finite. */
export const finite: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  let sum = 0;
  for (; i < e; i++) sum += g[i - o]! - g[i - o]!;
  w[FINITE]! += sum;
};

/** Adds the squares of `g` to a figure. */
export const gradientNorm: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  let sum = 0;
  for (; i < e; i++) sum += g[i - o]! * g[i - o]!;
  w[GRADIENT]! += sum;
};

const old = new Float64Array(BLOCK);

/** Keeps `x` for {@link updateNorm}. */
export const before: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (let t = 0; i < e; i++, t++) old[t] = x[i]!;
};

/** Adds the squares of what `x` moved by to a figure. */
export const updateNorm: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  let sum = 0;
  for (let t = 0; i < e; i++, t++) sum += (x[i]! - old[t]!) ** 2;
  w[UPDATE]! += sum;
};
