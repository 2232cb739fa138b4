import { isNumber, shown, want } from './check.ts';
import { refuse } from './errors.ts';
import type { Schedule } from './schedules/schedule.ts';

/** A learning rate: a number, a schedule, or a function without arguments that is asked once per updating step. */
export type LearningRate = number | Schedule | (() => number);

export function isRate(rate: unknown): rate is LearningRate {
  const callable = typeof rate === 'object' && typeof (rate as Schedule | null)?.call === 'function';
  return isNumber(rate) || typeof rate === 'function' || callable;
}

export const RATE_WANTED = 'a number, a schedule or a function';

/** Holds what the user gave. A number is kept as float32, since Keras keeps it in a float32 variable. */
export class RateHolder {
  /** What was given; a number is rounded to float32. */
  source!: LearningRate;

  constructor(rate: LearningRate) {
    this.set(rate);
  }

  /** The rate at a raw step, by asking the schedule or function. */
  at(step: number): number {
    const { source } = this;
    if (isNumber(source)) return source;
    let rate: unknown;
    try {
      rate = typeof source === 'function' ? source() : source.call(step);
    } catch (cause) {
      refuse('SGD_INVALID_OPTION', `the learning rate function or schedule threw: ${String(cause)}`, cause);
    }
    want(isNumber(rate), 'the learning rate function or schedule', 'a number back', rate);
    return rate;
  }

  /** Keras's rules: anything over a number, but over a schedule or function only another of these. */
  set(rate: LearningRate): void {
    want(isRate(rate), 'learningRate', RATE_WANTED, rate);
    const locked = this.source !== undefined && !isNumber(this.source);
    if (isNumber(rate) && locked)
      refuse('SGD_INVALID_OPTION', `learningRate: ${shown(rate)} can't replace a schedule or function`);
    this.source = isNumber(rate) ? Math.fround(rate) : rate;
  }
}
