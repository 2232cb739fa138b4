// What the host and the kernels share. The host writes it, at addresses of its choice: the module has no data of its own, so that
// it can work in any memory. No array may reach into the last 64 bytes of 4 GiB: end addresses, and steps of a loop beyond an end, would
// wrap around to 0. The arena never hands that line out, and the heap of TensorFlow.js ends 64 KiB before.

/** The numbers of a step, in float32. */
@unmanaged
export class Numbers {
  /** What gradients are divided by or, if it is no divisor but its inverse (see `UNSCALE_DIVIDES`), multiplied by. */
  scale: f32;
  /** Likewise for the accumulated sum. */
  count: f32;
  /** The limit `c` of the clip. */
  limit: f32;
  /** `1 / c`, formed in float64 from the unrounded limit. */
  inverse: f32;
  /** The momentum `b` of the averages, and `1 - b`. */
  keep: f32;
  mix: f32;
  /** Found by the reading pass: what gradients are multiplied by under "global-norm". */
  factor: f32;
  /** Sums of squares that an updating step finds where it measures, each in two parts; left as they are by other steps. */
  gradientSquares: f64;
  gradientSquares2: f64;
  updateSquares: f64;
  updateSquares2: f64;
}

/** The rates of a group. */
@unmanaged
export class Rates {
  learningRate: f32;
  momentum: f32;
  weightDecay: f32;
}

/** A variable: where its arrays are, and what is done to it. An address of 0 stands for an array that it does not have. */
@unmanaged
export class Variable {
  value: usize;
  momentum: usize;
  accumulator: usize;
  average: usize;
  /** Its gradient in this step, or 0. The host writes it, the step sets it back to 0. A number whose last bits are 01 stands for one that comes in pieces. */
  gradient: usize;
  /** Of each array, in bytes. */
  size: usize;
  rates: Rates;
  /** Whether its gradient is its new value. */
  overwrites: i32;
  /** All bits set if it decays, else none. */
  decays: i32;
  /** Found by the reading pass under "norm": the norm of its gradient, at least the limit. */
  norm: f32;
}

/** The options of an optimizer, as bits: the rule, what comes before it and after it, what is looked at. */
export const MOMENTUM: i32 = 1;
export const NESTEROV: i32 = 2;
export const AVERAGE: i32 = 4;
export const UNSCALE: i32 = 8;
export const ACCUMULATE: i32 = 16;
export const CLIP_VALUE: i32 = 32;
export const CLIP_NORM: i32 = 64;
export const CLIP_GLOBAL_NORM: i32 = 128;
export const FINITE: i32 = 256;
export const GRADIENT_NORM: i32 = 512;
export const UPDATE_NORM: i32 = 1024;
/** Some variables decay; and some of those that move don't. */
export const DECAY: i32 = 2048;
export const SPARE: i32 = 4096;
// These three may change from step to step. A divisor that is a power of two is given as its inverse: the bits are the same.
export const UNSCALE_DIVIDES: i32 = 8192;
export const MEAN_DIVIDES: i32 = 16384;
export const AVERAGE_OVERWRITES: i32 = 32768;

/**
 * The options that the module is for. Where this stands in the code, the host puts a constant before the module is compiled: the
 * engine's compiler then leaves out all that is not asked for, so that each set of options has kernels of its own. As it stands,
 * it is a load from an address at which there is nothing.
 */
@inline
export function options(): i32 {
  return load<i32>(0, 0x7ffffff);
}

// Of a step.
export const UPDATE: i32 = 1;
export const ORDINARY: i32 = 2;
/** Of a pass that only reads. */
export const LOOK: i32 = 4;
