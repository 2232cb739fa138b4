import { shown, want } from './check.ts';
import { SgdError } from './errors.ts';
import type { Schedule } from './schedules/schedule.ts';

/** A learning rate: a number, a schedule, or a function without arguments that is asked once per updating step. */
export type LearningRate = number | Schedule | (() => number);

export function isSchedule(rate: unknown): rate is Schedule {
  return typeof rate === 'object' && rate !== null && typeof (rate as Schedule).call === 'function';
}

function wantRate(rate: unknown): asserts rate is LearningRate {
  const ok = typeof rate === 'number' || typeof rate === 'function' || isSchedule(rate);
  want(ok, 'learningRate', 'a number, a schedule or a function', rate);
}

function ask(source: Exclude<LearningRate, number>, step: number): unknown {
  try {
    return typeof source === 'function' ? source() : source.call(step);
  } catch (cause) {
    throw new SgdError('SGD_INVALID_OPTION', `the learning rate function or schedule threw: ${shown(cause)}`, {
      cause,
    });
  }
}

/** Holds what the user gave. A number is kept as float32, since Keras keeps it in a float32 variable. */
export class RateHolder {
  /** What was given; a number is rounded to float32. */
  source: LearningRate;

  constructor(rate: LearningRate) {
    wantRate(rate);
    this.source = typeof rate === 'number' ? Math.fround(rate) : rate;
  }

  /** The rate at a raw step, by asking the schedule or function. */
  at(step: number): number {
    const { source } = this;
    if (typeof source === 'number') return source;
    const rate = ask(source, step);
    want(typeof rate === 'number', 'what the learning rate function or schedule returns', 'a number', rate);
    return rate;
  }

  /** Keras's rules: anything over a number, but over a schedule or function only another of these. */
  replace(rate: LearningRate): void {
    wantRate(rate);
    if (typeof rate === 'number' && typeof this.source !== 'number') {
      throw new SgdError(
        'SGD_INVALID_OPTION',
        `learningRate is ${shown(this.source)}: a number can't replace a schedule or function, got ${rate}`,
      );
    }
    this.source = typeof rate === 'number' ? Math.fround(rate) : rate;
  }
}
