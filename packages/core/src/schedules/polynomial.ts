import { BOOLEAN, NUMBER, POSITIVE, resolve, type Spec } from '../check.ts';
import type { Config } from '../config.ts';
import { f, NAME, pow, type Schedule } from './schedule.ts';

/** Options of {@link PolynomialDecay}. */
export interface PolynomialDecayOptions {
  /** The rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps until the end rate; greater than 0. */
  readonly decaySteps: number;
  /** The rate from `decaySteps` on; default 0.0001. */
  readonly endLearningRate?: number | undefined;
  /** The polynomial's degree; default 1 (linear). */
  readonly power?: number | undefined;
  /** Whether to start again, at a longer period, after each end; default `false`. */
  readonly cycle?: boolean | undefined;
  /** Kept in the config, of no effect; default "PolynomialDecay". */
  readonly name?: string | null | undefined;
}

/** {@link PolynomialDecayOptions} with every default filled in. */
export type PolynomialDecayConfig = Config<PolynomialDecayOptions>;

const SPEC: Spec = {
  initialLearningRate: [undefined, ...NUMBER],
  decaySteps: [undefined, ...POSITIVE],
  endLearningRate: [0.0001, ...NUMBER],
  power: [1, ...NUMBER],
  cycle: [false, ...BOOLEAN],
  name: ['PolynomialDecay', ...NAME],
};

/**
 * `(initialLearningRate - endLearningRate) * (1 - step / decaySteps) ^ power + endLearningRate`, the step limited to `decaySteps`;
 * with `cycle`, `decaySteps` grows to the next multiple that reaches the step instead.
 *
 * Source: `keras.optimizers.schedules.PolynomialDecay`.
 */
export class PolynomialDecay implements Schedule {
  readonly className = 'PolynomialDecay';
  readonly #config: PolynomialDecayConfig;

  /** @throws SgdError `SGD_INVALID_OPTION`: an option of another type, or `decaySteps <= 0` */
  constructor(options: PolynomialDecayOptions) {
    this.#config = resolve(SPEC, options, this.className);
  }

  call(step: number): number {
    const c = this.#config;
    const n = f(c.decaySteps);
    let s = f(step);
    let steps = n;
    if (c.cycle) steps = f(n * (s === 0 ? 1 : Math.ceil(f(s / n))));
    else s = Math.min(s, n);
    const end = f(c.endLearningRate);
    const left = f(1 - f(s / steps));
    return f(f(f(f(c.initialLearningRate) - end) * pow(left, f(c.power))) + end);
  }

  getConfig(): PolynomialDecayConfig {
    return { ...this.#config };
  }
}
