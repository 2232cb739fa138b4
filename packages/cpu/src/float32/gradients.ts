import { BLOCK, COUNT, FACTOR, LIMIT, NORM, SCALE, type Stage } from '../plan.ts';

// Every operation is rounded to float32, by `f` or by a store. Loops take four elements at a time: V8 then checks for interrupts and
// for the end of the loop once, and the four do not wait for each other.
const f = Math.fround;
const scratch = new Float32Array(BLOCK);

export const unscale: Stage = ({ k }, g, o, i, e) => {
  const scale = k[SCALE]!;
  let j = i - o;
  let t = 0;
  for (; i + 3 < e; i += 4, j += 4, t += 4) {
    const v0 = g[j]! / scale;
    const v1 = g[j + 1]! / scale;
    const v2 = g[j + 2]! / scale;
    const v3 = g[j + 3]! / scale;
    scratch[t] = v0;
    scratch[t + 1] = v1;
    scratch[t + 2] = v2;
    scratch[t + 3] = v3;
  }
  for (; i < e; i++, j++, t++) {
    const v0 = g[j]! / scale;
    scratch[t] = v0;
  }
  return scratch;
};

export const mean: Stage = ({ k, v }, g, o, i, e) => {
  const count = k[COUNT]!;
  let j = i - o;
  let t = 0;
  for (; i + 3 < e; i += 4, j += 4, t += 4) {
    const v0 = f(g[j]! + v[i]!) / count;
    const v1 = f(g[j + 1]! + v[i + 1]!) / count;
    const v2 = f(g[j + 2]! + v[i + 2]!) / count;
    const v3 = f(g[j + 3]! + v[i + 3]!) / count;
    scratch[t] = v0;
    scratch[t + 1] = v1;
    scratch[t + 2] = v2;
    scratch[t + 3] = v3;
  }
  for (; i < e; i++, j++, t++) {
    const v0 = f(g[j]! + v[i]!) / count;
    scratch[t] = v0;
  }
  return scratch;
};

export const clipValue: Stage = ({ k }, g, o, i, e) => {
  const c = k[LIMIT]!;
  let j = i - o;
  let t = 0;
  for (; i + 3 < e; i += 4, j += 4, t += 4) {
    const v0 = Math.min(Math.max(g[j]!, -c), c);
    const v1 = Math.min(Math.max(g[j + 1]!, -c), c);
    const v2 = Math.min(Math.max(g[j + 2]!, -c), c);
    const v3 = Math.min(Math.max(g[j + 3]!, -c), c);
    scratch[t] = v0;
    scratch[t + 1] = v1;
    scratch[t + 2] = v2;
    scratch[t + 3] = v3;
  }
  for (; i < e; i++, j++, t++) {
    const v0 = Math.min(Math.max(g[j]!, -c), c);
    scratch[t] = v0;
  }
  return scratch;
};

export const clipNorm: Stage = ({ k }, g, o, i, e) => {
  const c = k[LIMIT]!;
  const n = k[NORM]!;
  let j = i - o;
  let t = 0;
  for (; i + 3 < e; i += 4, j += 4, t += 4) {
    const v0 = f(g[j]! * c) / n;
    const v1 = f(g[j + 1]! * c) / n;
    const v2 = f(g[j + 2]! * c) / n;
    const v3 = f(g[j + 3]! * c) / n;
    scratch[t] = v0;
    scratch[t + 1] = v1;
    scratch[t + 2] = v2;
    scratch[t + 3] = v3;
  }
  for (; i < e; i++, j++, t++) {
    const v0 = f(g[j]! * c) / n;
    scratch[t] = v0;
  }
  return scratch;
};

export const clipGlobal: Stage = ({ w }, g, o, i, e) => {
  const c = w[FACTOR]!;
  let j = i - o;
  let t = 0;
  for (; i + 3 < e; i += 4, j += 4, t += 4) {
    const v0 = g[j]! * c;
    const v1 = g[j + 1]! * c;
    const v2 = g[j + 2]! * c;
    const v3 = g[j + 3]! * c;
    scratch[t] = v0;
    scratch[t + 1] = v1;
    scratch[t + 2] = v2;
    scratch[t + 3] = v3;
  }
  for (; i < e; i++, j++, t++) {
    const v0 = g[j]! * c;
    scratch[t] = v0;
  }
  return scratch;
};

export const square: Stage = (_p, g, o, i, e) => {
  let j = i - o;
  let t = 0;
  for (; i + 3 < e; i += 4, j += 4, t += 4) {
    const v0 = g[j]! * g[j]!;
    const v1 = g[j + 1]! * g[j + 1]!;
    const v2 = g[j + 2]! * g[j + 2]!;
    const v3 = g[j + 3]! * g[j + 3]!;
    scratch[t] = v0;
    scratch[t + 1] = v1;
    scratch[t + 2] = v2;
    scratch[t + 3] = v3;
  }
  for (; i < e; i++, j++, t++) {
    const v0 = g[j]! * g[j]!;
    scratch[t] = v0;
  }
  return scratch;
};

export const accumulate: Stage = ({ v }, g, o, i, e) => {
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const v0 = g[j]! + v[i]!;
    const v1 = g[j + 1]! + v[i + 1]!;
    const v2 = g[j + 2]! + v[i + 2]!;
    const v3 = g[j + 3]! + v[i + 3]!;
    v[i] = v0;
    v[i + 1] = v1;
    v[i + 2] = v2;
    v[i + 3] = v3;
  }
  for (; i < e; i++, j++) {
    const v0 = g[j]! + v[i]!;
    v[i] = v0;
  }
};

export const largest: Stage = ({ v }, g, o, i, e) => {
  let j = i - o;
  for (; i + 3 < e; i += 4, j += 4) {
    const v0 = Math.max(g[j]!, v[i]!);
    const v1 = Math.max(g[j + 1]!, v[i + 1]!);
    const v2 = Math.max(g[j + 2]!, v[i + 2]!);
    const v3 = Math.max(g[j + 3]!, v[i + 3]!);
    v[i] = v0;
    v[i + 1] = v1;
    v[i + 2] = v2;
    v[i + 3] = v3;
  }
  for (; i < e; i++, j++) {
    const v0 = Math.max(g[j]!, v[i]!);
    v[i] = v0;
  }
};
