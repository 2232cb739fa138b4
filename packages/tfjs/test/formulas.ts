import type { Ops } from '@sgd/core/engine';

/** Every operation on each element, and constants that leave no element 0. */
export const FORMULAS: Readonly<Record<string, <T>(o: Ops<T>, a: T, b: T) => T>> = {
  add: (o, a, b) => o.add(a, b),
  sub: (o, a, b) => o.sub(a, b),
  mul: (o, a, b) => o.mul(a, b),
  div: (o, a, b) => o.div(a, b),
  min: (o, a, b) => o.min(a, b),
  max: (o, a, b) => o.max(a, b),
  neg: (o, a) => o.neg(a),
  abs: (o, a) => o.abs(a),
  sqrt: (o, a) => o.sqrt(o.abs(a)),
  sign: (o, a) => o.sign(a),
  select: (o, a, b) => o.select(a, b, o.constant(7)),
  scale: (o, a) => o.scale(a, o.constant(0.5)),
  'pow of a number': (o, a) => o.pow(o.abs(a), o.constant(0.75)),
  'pow, whole': (o, a) => o.pow(a, o.constant(3)),
  'a constant': (o) => o.constant(3),
  'a quotient of sums': (o, a, b) => o.div(o.add(a, o.constant(2)), o.max(o.abs(b), o.constant(1))),
};
