import { want } from '../check.ts';

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

/** π in float32, as Keras has it. */
export const PI: number = f(Math.PI);

/** Throws unless every named option is a number. */
export function wantNumbers(className: string, options: object, names: readonly string[]): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    want(typeof value === 'number', `${className}: ${name}`, 'a number', value);
  }
}

/** Throws unless the number of steps is positive. */
export function wantSteps(className: string, name: string, value: number): void {
  want(value > 0, `${className}: ${name}`, 'greater than 0', value);
}

/** The name a schedule is serialized with; `null` is kept. */
export function nameOr(className: string, name: unknown, fallback: string): string | null {
  if (name === undefined) return fallback;
  want(name === null || typeof name === 'string', `${className}: name`, 'a string or null', name);
  return name;
}
