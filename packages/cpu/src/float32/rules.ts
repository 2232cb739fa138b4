import { DECAY, MOMENTUM, RATE, type Stage } from '../plan.ts';

// Every operation is rounded to float32, by `f` or by a store. Loops take four elements at a time: V8 then checks for interrupts and
// for the end of the loop once, and the four do not wait for each other.
// A function that returns a number is inlined; where it is not, it allocates.
const f = Math.fround;
const delta = (m: number, b: number, g: number, lr: number): number => f(f(m * b) - f(g * lr));
const decayed = (x: number, wd: number, lr: number): number => f(x - f(f(x * wd) * lr));

export const plain: Stage = ({ x, r }, g, o, i, e) => {
  const lr = r[RATE]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const v0 = f(g[j]! * lr);
    const v1 = f(g[j + 1]! * lr);
    const v2 = f(g[j + 2]! * lr);
    const v3 = f(g[j + 3]! * lr);
    x[i] = x[i]! - v0;
    x[i + 1] = x[i + 1]! - v1;
    x[i + 2] = x[i + 2]! - v2;
    x[i + 3] = x[i + 3]! - v3;
  }
  for (; i < e; i++, j++) {
    const v0 = f(g[j]! * lr);
    x[i] = x[i]! - v0;
  }
};

export const momentum: Stage = ({ x, m, r }, g, o, i, e) => {
  const lr = r[RATE]!;
  const b = r[MOMENTUM]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const v0 = delta(m[i]!, b, g[j]!, lr);
    const v1 = delta(m[i + 1]!, b, g[j + 1]!, lr);
    const v2 = delta(m[i + 2]!, b, g[j + 2]!, lr);
    const v3 = delta(m[i + 3]!, b, g[j + 3]!, lr);
    m[i] = v0;
    m[i + 1] = v1;
    m[i + 2] = v2;
    m[i + 3] = v3;
    x[i] = x[i]! + v0;
    x[i + 1] = x[i + 1]! + v1;
    x[i + 2] = x[i + 2]! + v2;
    x[i + 3] = x[i + 3]! + v3;
  }
  for (; i < e; i++, j++) {
    const v0 = delta(m[i]!, b, g[j]!, lr);
    m[i] = v0;
    x[i] = x[i]! + v0;
  }
};

export const nesterov: Stage = ({ x, m, r }, g, o, i, e) => {
  const lr = r[RATE]!;
  const b = r[MOMENTUM]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const v0 = delta(m[i]!, b, g[j]!, lr);
    const v1 = delta(m[i + 1]!, b, g[j + 1]!, lr);
    const v2 = delta(m[i + 2]!, b, g[j + 2]!, lr);
    const v3 = delta(m[i + 3]!, b, g[j + 3]!, lr);
    m[i] = v0;
    m[i + 1] = v1;
    m[i + 2] = v2;
    m[i + 3] = v3;
    x[i] = x[i]! + delta(v0, b, g[j]!, lr);
    x[i + 1] = x[i + 1]! + delta(v1, b, g[j + 1]!, lr);
    x[i + 2] = x[i + 2]! + delta(v2, b, g[j + 2]!, lr);
    x[i + 3] = x[i + 3]! + delta(v3, b, g[j + 3]!, lr);
  }
  for (; i < e; i++, j++) {
    const v0 = delta(m[i]!, b, g[j]!, lr);
    m[i] = v0;
    x[i] = x[i]! + delta(v0, b, g[j]!, lr);
  }
};

export const plainDecay: Stage = ({ x, r }, g, o, i, e) => {
  const lr = r[RATE]!;
  const wd = r[DECAY]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const v0 = f(g[j]! * lr);
    const v1 = f(g[j + 1]! * lr);
    const v2 = f(g[j + 2]! * lr);
    const v3 = f(g[j + 3]! * lr);
    x[i] = decayed(x[i]!, wd, lr) - v0;
    x[i + 1] = decayed(x[i + 1]!, wd, lr) - v1;
    x[i + 2] = decayed(x[i + 2]!, wd, lr) - v2;
    x[i + 3] = decayed(x[i + 3]!, wd, lr) - v3;
  }
  for (; i < e; i++, j++) {
    const v0 = f(g[j]! * lr);
    x[i] = decayed(x[i]!, wd, lr) - v0;
  }
};

export const momentumDecay: Stage = ({ x, m, r }, g, o, i, e) => {
  const lr = r[RATE]!;
  const b = r[MOMENTUM]!;
  const wd = r[DECAY]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const v0 = delta(m[i]!, b, g[j]!, lr);
    const v1 = delta(m[i + 1]!, b, g[j + 1]!, lr);
    const v2 = delta(m[i + 2]!, b, g[j + 2]!, lr);
    const v3 = delta(m[i + 3]!, b, g[j + 3]!, lr);
    m[i] = v0;
    m[i + 1] = v1;
    m[i + 2] = v2;
    m[i + 3] = v3;
    x[i] = decayed(x[i]!, wd, lr) + v0;
    x[i + 1] = decayed(x[i + 1]!, wd, lr) + v1;
    x[i + 2] = decayed(x[i + 2]!, wd, lr) + v2;
    x[i + 3] = decayed(x[i + 3]!, wd, lr) + v3;
  }
  for (; i < e; i++, j++) {
    const v0 = delta(m[i]!, b, g[j]!, lr);
    m[i] = v0;
    x[i] = decayed(x[i]!, wd, lr) + v0;
  }
};

export const nesterovDecay: Stage = ({ x, m, r }, g, o, i, e) => {
  const lr = r[RATE]!;
  const b = r[MOMENTUM]!;
  const wd = r[DECAY]!;
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const v0 = delta(m[i]!, b, g[j]!, lr);
    const v1 = delta(m[i + 1]!, b, g[j + 1]!, lr);
    const v2 = delta(m[i + 2]!, b, g[j + 2]!, lr);
    const v3 = delta(m[i + 3]!, b, g[j + 3]!, lr);
    m[i] = v0;
    m[i + 1] = v1;
    m[i + 2] = v2;
    m[i + 3] = v3;
    x[i] = decayed(x[i]!, wd, lr) + delta(v0, b, g[j]!, lr);
    x[i + 1] = decayed(x[i + 1]!, wd, lr) + delta(v1, b, g[j + 1]!, lr);
    x[i + 2] = decayed(x[i + 2]!, wd, lr) + delta(v2, b, g[j + 2]!, lr);
    x[i + 3] = decayed(x[i + 3]!, wd, lr) + delta(v3, b, g[j + 3]!, lr);
  }
  for (; i < e; i++, j++) {
    const v0 = delta(m[i]!, b, g[j]!, lr);
    m[i] = v0;
    x[i] = decayed(x[i]!, wd, lr) + delta(v0, b, g[j]!, lr);
  }
};
