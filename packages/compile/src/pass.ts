import type { FloatArray } from '@sgd/core';

/**
 * One pass of a kernel over elements `from` to `to` (excluded) of its tensors.
 *
 * @param tensors - in the order of `Kernel.tensors`
 * @param numbers - of the kernel's `NumberProgram`
 * @param totals - of a pass that sums, at most 128 elements: receives its sums from `at` on. Of the writing pass: its observations
 * are added there
 */
export type PassFunction = (
  tensors: readonly FloatArray[],
  numbers: Float64Array,
  from: number,
  to: number,
  totals: FloatArray,
  at: number,
) => void;
