import type { FloatArray } from '@sgd/core';

/** Elements of a block: what the stages of a step read and write of it stays in the first-level cache from one to the next. */
export const BLOCK = 1024;

/** Elements of a gradient that may be kept to be known again: so few that keeping them costs nobody memory. */
export const SMALL = 64;

// Places in the numbers of a step, `k`. MIX (less than 0) and KEEP are to averages what learning rate and momentum are to variables. NORM: the norm of the gradient under "norm". The groups follow: learning rate, momentum
// and weight decay of each.
export const SCALE = 0;
export const COUNT = 1;
export const LIMIT = 2;
export const NORM = 3;
export const MIX = 4;
export const KEEP = 5;
export const GROUPS = 6;

// Places in the figures, `w`, which are in float64: what gradients are multiplied by under "global-norm", NaN once an element or a
// norm was not finite, sums of squares, whether averages overwrite.
export const FACTOR = 0;
export const FINITE = 1;
export const GRADIENT = 2;
export const UPDATE = 3;
export const OVERWRITE = 4;
export const FIGURES = 5;

/**
 * One stage of a step, over elements `i` to `e` (excluded) of a variable; the gradient of element `i` is `g[i - o]`. `x` is the value,
 * `m` the momentum, `v` the accumulator, `a` the average; `r` the place in `k` of the rates of the variable's group.
 * A stage that makes another gradient of it writes that to the scratch block `q`, from index 0, and returns `q`.
 *
 * All stages have all parameters in this order, as then the minified text of each looks like the next and compresses well.
 */
export type Stage = (
  x: FloatArray,
  m: FloatArray,
  v: FloatArray,
  a: FloatArray,
  q: FloatArray,
  k: FloatArray,
  r: number,
  w: Float64Array,
  g: FloatArray,
  o: number,
  i: number,
  e: number,
) => FloatArray | void;

/** Stages to run in turn. */
export type List = readonly Stage[];

/** The stages whose arithmetic differs between the types: `x = x - ((x * wd) * lr)`, the rules, `a = (b * a) + ((1 - b) * x)`. */
export type Kernels = readonly [decay: Stage, plain: Stage, momentum: Stage, nesterov: Stage, average: Stage];

/** An empty list, made once: each `[]` in a step is allocated. */
export const nothing: readonly never[] = [];
