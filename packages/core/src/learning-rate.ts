import { isNumber, shown, want } from './check.ts';
import { reading, refuse } from './errors.ts';
import type { Schedule } from './schedules/schedule.ts';
import { thrown } from './shown.ts';

/** A learning rate: a number, a schedule, or a function without arguments that is asked once per updating step. */
export type LearningRate = number | Schedule | (() => number);

export const RATE_WANTED = 'a number, a schedule or a function';

export function isRate(rate: unknown): rate is LearningRate {
  const isSchedule = typeof rate === 'object' && typeof (rate as Schedule | null)?.call === 'function';
  return isNumber(rate) || typeof rate === 'function' || isSchedule;
}

/** The rate at a raw step, by asking the schedule or function. */
export function rateAt(source: LearningRate, step: number): number {
  if (isNumber(source)) return source;
  let rate: unknown;
  try {
    rate = typeof source === 'function' ? source() : source.call(step);
  } catch (cause) {
    refuse('SGD_INVALID_OPTION', `the learning rate function or schedule threw: ${thrown(cause)}`, cause);
  }
  want(isNumber(rate), 'the learning rate function or schedule', 'a number back', rate);
  return rate;
}

/**
 * What is in force when `rate` is set over `old`. A number becomes float32, since Keras keeps it in a float32 variable. Keras's
 * rules: anything over a number, but over a schedule or function only another of these.
 */
export function setRate(old: LearningRate, rate: LearningRate): LearningRate {
  want(
    reading('learningRate', () => isRate(rate)),
    'learningRate',
    RATE_WANTED,
    rate,
  );
  if (!isNumber(rate)) return rate;
  if (!isNumber(old)) refuse('SGD_INVALID_OPTION', `learningRate: ${shown(rate)} can't replace a schedule or function`);
  return Math.fround(rate);
}
