import { KEEP, type Kernels, MIX, type Stage } from './plan.ts';

// The stages of float32 without rounding, and no faster than is simple. They are not the same functions: V8 compiles a loop for the
// types of arrays that it has met, and a loop that has met both is slow with both.

const decay: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (; i < e; i++) x[i]! -= x[i]! * k[r + 2]! * k[r]!;
};

const plain: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (; i < e; i++) x[i]! -= g[i - o]! * k[r]!;
};

const momentum: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (; i < e; i++) {
    m[i] = m[i]! * k[r + 1]! - g[i - o]! * k[r]!;
    x[i]! += m[i]!;
  }
};

const nesterov: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (; i < e; i++) {
    m[i] = m[i]! * k[r + 1]! - g[i - o]! * k[r]!;
    x[i]! += m[i]! * k[r + 1]! - g[i - o]! * k[r]!;
  }
};

const average: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  for (; i < e; i++) a[i] = a[i]! * k[KEEP]! - x[i]! * k[MIX]!;
};

/** In float64. */
export const float64: Kernels = [decay, plain, momentum, nesterov, average];
