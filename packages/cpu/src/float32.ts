import { KEEP, type Kernels, MIX, type Stage } from './plan.ts';

// Every operation is rounded to float32, by `f` or by a store. The rules take four elements at a time: V8 then checks for interrupts
// and for the end of the loop once, and the four do not wait for each other. A function that returns a number is inlined there;
// where it were not, it would allocate.
const f = Math.fround;
const moved = (m: number, b: number, g: number, lr: number): number => f(f(m * b) - f(g * lr));

const decay: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const lr = k[r]!;
  const wd = k[r + 2]!;
  for (; i < e; i++) x[i]! -= f(f(x[i]! * wd) * lr);
};

const plain: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const lr = k[r]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const m0 = f(g[j]! * lr);
    const m1 = f(g[j + 1]! * lr);
    const m2 = f(g[j + 2]! * lr);
    const m3 = f(g[j + 3]! * lr);
    x[i]! -= m0;
    x[i + 1]! -= m1;
    x[i + 2]! -= m2;
    x[i + 3]! -= m3;
  }
  for (; i < e; i++, j++) x[i]! -= f(g[j]! * lr);
};

const momentum: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const lr = k[r]!;
  const b = k[r + 1]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const m0 = moved(m[i]!, b, g[j]!, lr);
    const m1 = moved(m[i + 1]!, b, g[j + 1]!, lr);
    const m2 = moved(m[i + 2]!, b, g[j + 2]!, lr);
    const m3 = moved(m[i + 3]!, b, g[j + 3]!, lr);
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
    const m0 = moved(m[i]!, b, g[j]!, lr);
    m[i] = m0;
    x[i]! += m0;
  }
};

const nesterov: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const lr = k[r]!;
  const b = k[r + 1]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const m0 = moved(m[i]!, b, g[j]!, lr);
    const m1 = moved(m[i + 1]!, b, g[j + 1]!, lr);
    const m2 = moved(m[i + 2]!, b, g[j + 2]!, lr);
    const m3 = moved(m[i + 3]!, b, g[j + 3]!, lr);
    m[i] = m0;
    m[i + 1] = m1;
    m[i + 2] = m2;
    m[i + 3] = m3;
    x[i]! += moved(m0, b, g[j]!, lr);
    x[i + 1]! += moved(m1, b, g[j + 1]!, lr);
    x[i + 2]! += moved(m2, b, g[j + 2]!, lr);
    x[i + 3]! += moved(m3, b, g[j + 3]!, lr);
  }
  for (; i < e; i++, j++) {
    const m0 = moved(m[i]!, b, g[j]!, lr);
    m[i] = m0;
    x[i]! += moved(m0, b, g[j]!, lr);
  }
};

const average: Stage = (x, m, v, a, q, k, r, w, g, o, i, e) => {
  const mix = k[MIX]!;
  const b = k[KEEP]!;
  for (; i + 3 < e; i += 4) {
    const m0 = moved(a[i]!, b, x[i]!, mix);
    const m1 = moved(a[i + 1]!, b, x[i + 1]!, mix);
    const m2 = moved(a[i + 2]!, b, x[i + 2]!, mix);
    const m3 = moved(a[i + 3]!, b, x[i + 3]!, mix);
    a[i] = m0;
    a[i + 1] = m1;
    a[i + 2] = m2;
    a[i + 3] = m3;
  }
  for (; i < e; i++) a[i] = moved(a[i]!, b, x[i]!, mix);
};

/** In float32. */
export const float32: Kernels = [decay, plain, momentum, nesterov, average];
