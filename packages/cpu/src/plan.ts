import type { Constraint, FloatArray } from '@sgd/core';

/** Elements of a block: what the stages of a step read and write of it stays in the first-level cache from one stage to the next. */
export const BLOCK = 1024;

// Places in Plan.k, the numbers of a step. It has the variable's type, so a store rounds them, as Keras does.
export const SCALE = 0;
export const COUNT = 1;
export const LIMIT = 2;
export const NORM = 3;
export const KEEP = 4;
export const MIX = 5;

// Places in Plan.r, the numbers of its group, rounded likewise.
export const RATE = 0;
export const MOMENTUM = 1;
export const DECAY = 2;

// Places in Plan.w, figures in float64: the factor of a clip, NaN once an element was not finite, sums of squares.
export const FACTOR = 0;
export const FINITE = 1;
export const GRADIENT = 2;
export const UPDATE = 3;

/** A variable as the stages see it. The letters are those of the formulas: `x` value, `m` momentum, `v` accumulator, `a` average. */
export interface Plan {
  readonly x: FloatArray;
  readonly m: FloatArray;
  readonly v: FloatArray;
  readonly a: FloatArray;
  /** Number of elements. */
  readonly n: number;
  readonly k: FloatArray;
  readonly r: FloatArray;
  readonly w: Float64Array;
  readonly kernels: Kernels;
  readonly stages: Stages;
  readonly overwrites: boolean;
  readonly shape: readonly number[];
  readonly constraint: Constraint | null;
  /** Whether a gradient of it came in this step. */
  given: boolean;
}

/**
 * One stage of a step, over elements `i` to `e` (excluded) of a variable; the gradient of element `i` is `g[i - o]`.
 * A stage that makes another gradient of it writes that to a scratch block, from index 0, and returns the block.
 */
export type Stage = (p: Plan, g: FloatArray, o: number, i: number, e: number) => FloatArray | void;

/** Stages to run in turn, block by block; a single one runs over the whole variable. */
export type List = readonly Stage[];

/** What is run for a variable, composed once. Index of `given` and `idle`: 2 if the step updates + 1 if averages overwrite. */
export interface Stages {
  readonly given: readonly List[];
  /** For a variable without a gradient in this step. */
  readonly idle: readonly List[];
  /** The reading pass before. Index: 1 if the step updates. */
  readonly look: readonly List[];
}

/** The stages in one type of numbers. */
export interface Kernels {
  /** `g / lossScale` */
  readonly unscale: Stage;
  /** `(g + v) / accumulationSteps` */
  readonly mean: Stage;
  /** `min(max(g, -limit), limit)` */
  readonly clipValue: Stage;
  /** `(g * limit) / max(norm, limit)` */
  readonly clipNorm: Stage;
  /** `g * factor` */
  readonly clipGlobal: Stage;
  /** `v = g + v` */
  readonly accumulate: Stage;
  /** `v = max(g, v)` */
  readonly largest: Stage;
  /** `x = x - (g * lr)`; with momentum `m = (m * b) - (g * lr)`, `x = x + m`; Nesterov `x = x + ((m * b) - (g * lr))`. */
  readonly plain: List;
  readonly momentum: List;
  readonly nesterov: List;
  /** The same after `x = x - ((x * wd) * lr)`. */
  readonly plainDecay: List;
  readonly momentumDecay: List;
  readonly nesterovDecay: List;
  /** `a = (b * a) + ((1 - b) * x)` */
  readonly average: List;
  /** The same, then `x = a`. */
  readonly averageOver: List;
  /** Makes a figure NaN when an element is not finite. */
  readonly finite: Stage;
  /** Adds `g * g` to a figure. */
  readonly gradientNorm: Stage;
  /** Copies `x`, so that `moved` can add the squares of what it moved by to a figure. */
  readonly before: Stage;
  readonly moved: Stage;
  /** `g * g`, into the scratch block */
  readonly square: Stage;
  /** `sums[d] = a[i] + ... + a[i + n - 1]`, in numpy's pairwise order. Uses the entries of `sums` after `d`. */
  readonly pairwise: (a: FloatArray, i: number, n: number, d: number) => void;
  /** In the type of the kernels: a store rounds. */
  readonly sums: FloatArray;
}
