import type { Constraint, FloatArray } from '@sgd/core';

/** Elements of a block: what the stages of a step read and write of it stays in the first-level cache from one to the next. */
export const BLOCK = 1024;

// Places in Plan.k, the numbers of a step. It has the variable's type, so that storing them rounds them, as Keras does.
export const SCALE = 0;
export const COUNT = 1;
export const LIMIT = 2;
export const KEEP = 3;
export const MIX = 4;
/** From here on: learning rate, momentum and weight decay of each group. */
export const RATES = 5;

// Places in Plan.w, figures in float64: what norm clips multiply by, NaN once an element was not finite, sums of squares, and
// whether averages overwrite. From NORMS on, by variable: what its gradient is divided by under "norm".
export const FACTOR = 0;
export const FINITE = 1;
export const GRADIENT = 2;
export const UPDATE = 3;
export const OVERWRITE = 4;
export const NORMS = 5;

/** A variable as the stages see it. Slots that it does not have are missing; no stage that needs one is run then. */
export interface Plan {
  readonly variable: FloatArray;
  readonly momentum: FloatArray;
  readonly accumulator: FloatArray;
  readonly average: FloatArray;
  readonly size: number;
  readonly k: FloatArray;
  /** Place of the learning rate of its group in `k`. */
  readonly r: number;
  readonly w: Float64Array;
  /** Place of its norm in `w`. */
  readonly i: number;
  readonly type: Type;
  readonly shape: readonly number[];
  readonly overwrites: boolean;
  readonly constraint: Constraint | null;
  /** What is run in an accumulating `[0]` and an updating `[1]` step: for its gradient, */
  readonly given: Lists;
  /** when it has none in the step, */
  readonly idle: Lists;
  /** and before anything is written. */
  readonly look: Lists;
  /** Whether a gradient of it came in this step. */
  touched: boolean;
}

/**
 * One stage of a step, over elements `i` to `e` (excluded) of a variable; the gradient of element `i` is `g[i - o]`.
 * A stage that makes another gradient of it writes that to a scratch block, from index 0, and returns the block.
 */
export type Stage = (p: Plan, g: FloatArray, o: number, i: number, e: number) => FloatArray | void;

/** Stages to run in turn. */
export type List = readonly Stage[];
export type Lists = readonly [accumulating: List, updating: List];

/** The stages that do arithmetic, in one type of numbers. In a tuple, because names of properties would not be minified. */
export type Kernels = readonly [
  /** `g / lossScale` */
  unscale: Stage,
  /** `(g + v) / accumulationSteps` */
  mean: Stage,
  /** `min(max(g, -limit), limit)` */
  clipValue: Stage,
  /** `(g * limit) / max(norm, limit)` */
  clipNorm: Stage,
  /** `g * factor` */
  clipGlobal: Stage,
  /** `v = g + v` */
  accumulate: Stage,
  /** `x = x - ((x * wd) * lr)` */
  decay: Stage,
  /** `x = x - (g * lr)` */
  plain: Stage,
  /** `m = (m * b) - (g * lr)`, `x = x + m` */
  momentum: Stage,
  /** The same with `x = x + ((m * b) - (g * lr))`, and the new `m` */
  nesterov: Stage,
  /** `a = (b * a) + ((1 - b) * x)` */
  average: Stage,
];

/** A type of numbers: its arithmetic, and typed arrays in which storing a number rounds it. */
export interface Type {
  readonly kernels: Kernels;
  /** `sums[d] = a[i] * b[i] + ...`, `n` terms, at most 128, in the order of the innermost part of numpy's sum. */
  readonly sum: (a: FloatArray, b: FloatArray, i: number, n: number, d: number) => void;
  readonly sums: FloatArray;
  /** The sums of squares of a step, in the order of its gradients, and as many ones. */
  readonly squares: FloatArray;
  readonly ones: FloatArray;
  readonly k: FloatArray;
}
