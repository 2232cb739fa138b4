import type { DType } from '../contract.ts';
import type { Ops } from '../rules/rule.ts';

const identity = (value: number): number => value;

/** Rounds a double to a type. */
export function roundingOf(dtype: DType): (value: number) => number {
  return dtype === 'float32' ? Math.fround : identity;
}

/**
 * Operations on numbers of a type. There is no tensor to sum over, so `sum` throws.
 *
 * @param dtype - what every result is rounded to
 */
export function numberOps(dtype: DType): Ops<number> {
  const round = roundingOf(dtype);
  return {
    constant: round,
    add: (a, b) => round(a + b),
    sub: (a, b) => round(a - b),
    mul: (a, b) => round(a * b),
    div: (a, b) => round(a / b),
    min: Math.min,
    max: Math.max,
    neg: (a) => -a,
    abs: Math.abs,
    sqrt: (a) => round(Math.sqrt(a)),
    sign: Math.sign,
    select: (a, then, otherwise) => (a > 0 ? then : otherwise),
    scale: (a, factor) => round(a * factor),
    pow: (a, b) => round(a ** b),
    sum() {
      throw new TypeError('a number has no elements to sum over');
    },
  };
}
