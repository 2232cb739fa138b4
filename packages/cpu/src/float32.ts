import { KEEP, type Kernels, MIX, type Stage } from './plan.ts';

// Every operation is rounded to float32, by `f` or by a store. The rules take four elements at a time: V8 then checks for interrupts
// and for the end of the loop once, and the four do not wait for each other. A function that returns a number is inlined there;
// where it were not, it would allocate.
const f = Math.fround;
const moved = (m: number, b: number, step: number): number => f(f(m * b) - step);

const decay: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const lr = k[r]!;
  const wd = k[r + 2]!;
  for (; i < e; i++) x[i]! -= f(f(x[i]! * wd) * lr);
};

const plain: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const lr = k[r]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const s0 = f(g[j]! * lr);
    const s1 = f(g[j + 1]! * lr);
    const s2 = f(g[j + 2]! * lr);
    const s3 = f(g[j + 3]! * lr);
    x[i]! -= s0;
    x[i + 1]! -= s1;
    x[i + 2]! -= s2;
    x[i + 3]! -= s3;
  }
  for (; i < e; i++, j++) x[i]! -= f(g[j]! * lr);
};

const momentum: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const lr = k[r]!;
  const b = k[r + 1]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const s0 = f(g[j]! * lr);
    const s1 = f(g[j + 1]! * lr);
    const s2 = f(g[j + 2]! * lr);
    const s3 = f(g[j + 3]! * lr);
    const m0 = moved(m[i]!, b, s0);
    const m1 = moved(m[i + 1]!, b, s1);
    const m2 = moved(m[i + 2]!, b, s2);
    const m3 = moved(m[i + 3]!, b, s3);
    m[i] = m0;
    m[i + 1] = m1;
    m[i + 2] = m2;
    m[i + 3] = m3;
    x[i]! += m0;
    x[i + 1]! += m1;
    x[i + 2]! += m2;
    x[i + 3]! += m3;
  }
  for (; i < e; i++, j++) {
    m[i] = moved(m[i]!, b, f(g[j]! * lr));
    x[i]! += m[i]!;
  }
};

const nesterov: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const lr = k[r]!;
  const b = k[r + 1]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const s0 = f(g[j]! * lr);
    const s1 = f(g[j + 1]! * lr);
    const s2 = f(g[j + 2]! * lr);
    const s3 = f(g[j + 3]! * lr);
    const m0 = moved(m[i]!, b, s0);
    const m1 = moved(m[i + 1]!, b, s1);
    const m2 = moved(m[i + 2]!, b, s2);
    const m3 = moved(m[i + 3]!, b, s3);
    m[i] = m0;
    m[i + 1] = m1;
    m[i + 2] = m2;
    m[i + 3] = m3;
    x[i]! += moved(m0, b, s0);
    x[i + 1]! += moved(m1, b, s1);
    x[i + 2]! += moved(m2, b, s2);
    x[i + 3]! += moved(m3, b, s3);
  }
  for (; i < e; i++, j++) {
    m[i] = moved(m[i]!, b, f(g[j]! * lr));
    x[i]! += moved(m[i]!, b, f(g[j]! * lr));
  }
};

const average: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const mix = k[MIX]!;
  const b = k[KEEP]!;
  for (; i < e; i++) a[i] = moved(a[i]!, b, f(x[i]! * mix));
};

/** In float32. */
export const float32: Kernels = [decay, plain, momentum, nesterov, average];
