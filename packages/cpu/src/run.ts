import type { FloatArray } from '@sgd/core';
import { BLOCK, type List, type Plan } from './plan.ts';

/** Runs stages over a variable: a single one straight over all of it, several block by block. */
export function run(list: List, p: Plan, g: FloatArray): void {
  const { size } = p;
  const step = list.length > 1 ? BLOCK : size;
  for (let i = 0; i < size; i += step) runBlock(list, p, g, i, Math.min(i + step, size));
}

/** Runs stages over elements `i` to `e`; returns the gradient that they made, or the one given. */
function runBlock(list: List, p: Plan, gradient: FloatArray, i: number, e: number): FloatArray {
  let g = gradient;
  let o = 0;
  for (let t = 0; t < list.length; t++) {
    const made = list[t]!(p, g, o, i, e);
    if (made) {
      g = made;
      o = i;
    }
  }
  return g;
}

/**
 * Leaves in `sums[d]` the sum over elements `i` to `i + n` of the squares of what the stages make of the gradient or, with `by`, of
 * the gradient times `by`. Numpy's pairwise order: it halves a range down to 128 elements.
 */
export function sum(list: List, p: Plan, g: FloatArray, by: FloatArray | null, i: number, n: number, d: number): void {
  const { type } = p;
  if (n > 128) {
    const half = (n >> 1) & ~7;
    sum(list, p, g, by, i, half, d);
    sum(list, p, g, by, i + half, n - half, d + 1);
    type.sums[d]! += type.sums[d + 1]!;
  } else {
    const a = runBlock(list, p, g, i, i + n);
    type.sum(a, by ?? a, a === g ? i : 0, n, d);
  }
}
