import type { FloatArray } from '@sgd/core';
import type { Operation } from '@sgd/core/engine';

/** Element `i` of an operand is `values[offset + (i & mask)]`: all elements with a mask of -1, one number for all with 0. */
export interface Operand {
  values: FloatArray;
  offset: number;
  readonly mask: number;
}

/** Computes `count` elements. Storing a result rounds it to the type of the array. */
type Loop = (to: Operand, a: Operand, b: Operand, c: Operand, count: number) => void;

// One loop for each operation and kind of operands, each written out: a loop that calls a function for each element is many times slower.

const add: Loop = (
  { values: to, offset: o },
  { values: x, offset: i, mask: m },
  { values: y, offset: j, mask: n },
  _c,
  count,
) => {
  if (n === 0) {
    const b = y[j] as number;
    for (let e = 0; e < count; e++) to[o + e] = (x[i + (e & m)] as number) + b;
  } else if (m === 0) {
    const a = x[i] as number;
    for (let e = 0; e < count; e++) to[o + e] = a + (y[j + e] as number);
  } else for (let e = 0; e < count; e++) to[o + e] = (x[i + e] as number) + (y[j + e] as number);
};

const sub: Loop = (
  { values: to, offset: o },
  { values: x, offset: i, mask: m },
  { values: y, offset: j, mask: n },
  _c,
  count,
) => {
  if (n === 0) {
    const b = y[j] as number;
    for (let e = 0; e < count; e++) to[o + e] = (x[i + (e & m)] as number) - b;
  } else if (m === 0) {
    const a = x[i] as number;
    for (let e = 0; e < count; e++) to[o + e] = a - (y[j + e] as number);
  } else for (let e = 0; e < count; e++) to[o + e] = (x[i + e] as number) - (y[j + e] as number);
};

const mul: Loop = (
  { values: to, offset: o },
  { values: x, offset: i, mask: m },
  { values: y, offset: j, mask: n },
  _c,
  count,
) => {
  if (n === 0) {
    const b = y[j] as number;
    for (let e = 0; e < count; e++) to[o + e] = (x[i + (e & m)] as number) * b;
  } else if (m === 0) {
    const a = x[i] as number;
    for (let e = 0; e < count; e++) to[o + e] = a * (y[j + e] as number);
  } else for (let e = 0; e < count; e++) to[o + e] = (x[i + e] as number) * (y[j + e] as number);
};

const div: Loop = (
  { values: to, offset: o },
  { values: x, offset: i, mask: m },
  { values: y, offset: j, mask: n },
  _c,
  count,
) => {
  if (n === 0) {
    const b = y[j] as number;
    for (let e = 0; e < count; e++) to[o + e] = (x[i + (e & m)] as number) / b;
  } else if (m === 0) {
    const a = x[i] as number;
    for (let e = 0; e < count; e++) to[o + e] = a / (y[j + e] as number);
  } else for (let e = 0; e < count; e++) to[o + e] = (x[i + e] as number) / (y[j + e] as number);
};

const min: Loop = (
  { values: to, offset: o },
  { values: x, offset: i, mask: m },
  { values: y, offset: j, mask: n },
  _c,
  count,
) => {
  for (let e = 0; e < count; e++) to[o + e] = Math.min(x[i + (e & m)] as number, y[j + (e & n)] as number);
};

const max: Loop = (
  { values: to, offset: o },
  { values: x, offset: i, mask: m },
  { values: y, offset: j, mask: n },
  _c,
  count,
) => {
  for (let e = 0; e < count; e++) to[o + e] = Math.max(x[i + (e & m)] as number, y[j + (e & n)] as number);
};

const pow: Loop = (
  { values: to, offset: o },
  { values: x, offset: i, mask: m },
  { values: y, offset: j, mask: n },
  _c,
  count,
) => {
  for (let e = 0; e < count; e++) to[o + e] = (x[i + (e & m)] as number) ** (y[j + (e & n)] as number);
};

const neg: Loop = ({ values: to, offset: o }, { values: x, offset: i, mask: m }, _b, _c, count) => {
  for (let e = 0; e < count; e++) to[o + e] = -(x[i + (e & m)] as number);
};

const abs: Loop = ({ values: to, offset: o }, { values: x, offset: i, mask: m }, _b, _c, count) => {
  for (let e = 0; e < count; e++) to[o + e] = Math.abs(x[i + (e & m)] as number);
};

const sqrt: Loop = ({ values: to, offset: o }, { values: x, offset: i, mask: m }, _b, _c, count) => {
  for (let e = 0; e < count; e++) to[o + e] = Math.sqrt(x[i + (e & m)] as number);
};

const sign: Loop = ({ values: to, offset: o }, { values: x, offset: i, mask: m }, _b, _c, count) => {
  for (let e = 0; e < count; e++) to[o + e] = Math.sign(x[i + (e & m)] as number);
};

const copy: Loop = ({ values: to, offset: o }, { values: x, offset: i, mask: m }, _b, _c, count) => {
  for (let e = 0; e < count; e++) to[o + e] = x[i + (e & m)] as number;
};

const select: Loop = ({ values: to, offset: o }, a, b, c, count) => {
  for (let e = 0; e < count; e++) {
    const chosen = (a.values[a.offset + (e & a.mask)] as number) > 0 ? b : c;
    to[o + e] = chosen.values[chosen.offset + (e & chosen.mask)] as number;
  }
};

/** `a * factor`, with a factor in float64. */
export function scaleBy(
  { values: to, offset: o }: Operand,
  { values: x, offset: i }: Operand,
  factor: number,
  count: number,
): void {
  for (let e = 0; e < count; e++) to[o + e] = (x[i + e] as number) * factor;
}

/** A loop for each operation on elements; that of `tensor` copies it. */
export const operations: Readonly<Record<Exclude<Operation, 'sum'> | 'tensor', Loop>> = {
  tensor: copy,
  add,
  sub,
  mul,
  div,
  min,
  max,
  neg,
  abs,
  sqrt,
  sign,
  select,
  scale: mul,
  pow,
};
