import type { Kind } from '../check.ts';

/**
 * A learning rate as a function of the step. Inside an optimizer the step is the number of `apply` calls taken so far,
 * micro-batches of gradient accumulation included: the first step sees 0 (Keras rule).
 *
 * Any object of this form can be the `learningRate` of an optimizer; only Keras's six can be serialized.
 */
export interface Schedule {
  /** Keras's class name. */
  readonly className: string;
  /**
   * The rate at a step. The schedules here compute in float32, one rounding per operation.
   * @param step - an integer counts as Keras's int32 step, anything else as a float32 one
   */
  call(step: number): number;
  /** The constructor's options, in Keras's order. */
  getConfig(): object;
}

/** Rounds to float32. */
export const f: (x: number) => number = Math.fround;

/**
 * The power in float32, as C has it: 1 to any power is 1, and so is -1 to an infinite one. `**` gives NaN where the exponent is not
 * finite.
 */
export function pow(base: number, exponent: number): number {
  return base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY) ? 1 : f(base ** exponent);
}

/** π in float32, as Keras has it. */
export const PI: number = f(Math.PI);

/** The kind of every schedule's name. */
export const NAME: Kind = [(name) => name === null || typeof name === 'string', 'a string or null'];
