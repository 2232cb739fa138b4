import type { FloatArray } from '@sgd/core';
import { BLOCK, type List, type Plan } from './plan.ts';

/** Runs stages over a variable: a single one straight over all of it, several block by block. */
export function run(list: List, p: Plan, gradient: FloatArray): void {
  const { n } = p;
  if (list.length === 1) list[0]!(p, gradient, 0, 0, n);
  else if (list.length > 1) {
    for (let i = 0; i < n; i += BLOCK) runBlock(list, p, gradient, i, Math.min(i + BLOCK, n));
  }
}

/** Runs stages over elements `i` to `e`; returns what the last gradient was written to. */
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
 * Leaves in `sums[d]` the sum, in numpy's pairwise order, over elements `i` to `i + n` of what the stages make of the gradient.
 * Numpy halves a range in a way that depends on its length alone, so it may stop at a block and go on within it.
 */
export function reduce(list: List, p: Plan, g: FloatArray, i: number, n: number, d: number): void {
  const { pairwise, sums } = p.kernels;
  if (n <= BLOCK) {
    pairwise(runBlock(list, p, g, i, i + n), 0, n, d);
    return;
  }
  const h = (n >> 1) & ~7;
  reduce(list, p, g, i, h, d);
  reduce(list, p, g, i + h, n - h, d + 1);
  sums[d]! += sums[d + 1]!;
}
