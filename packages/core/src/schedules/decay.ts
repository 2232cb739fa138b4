import { BOOLEAN, NUMBER, POSITIVE, resolve, type Spec } from '../check.ts';
import type { Config } from '../config.ts';
import { f, NAME, pow, type Schedule } from './schedule.ts';

/** Options of {@link ExponentialDecay} and {@link InverseTimeDecay}. */
export interface DecayOptions {
  /** The rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps in which the rate decays once; greater than 0. */
  readonly decaySteps: number;
  /** How strong one decay is. */
  readonly decayRate: number;
  /** Whether the rate changes only at multiples of `decaySteps`; default `false`. */
  readonly staircase?: boolean | undefined;
  /** Kept in the config, of no effect; default the class name. */
  readonly name?: string | null | undefined;
}

/** {@link DecayOptions} with every default filled in. */
export type DecayConfig = Config<DecayOptions>;

const spec = (className: string): Spec => ({
  initialLearningRate: [undefined, ...NUMBER],
  decaySteps: [undefined, ...POSITIVE],
  decayRate: [undefined, ...NUMBER],
  staircase: [false, ...BOOLEAN],
  name: [className, ...NAME],
});

function progress(config: DecayConfig, step: number): number {
  const p = f(f(step) / f(config.decaySteps));
  return config.staircase ? Math.floor(p) : p;
}

/**
 * `initialLearningRate * decayRate ^ (step / decaySteps)`; with `staircase` the exponent is rounded down.
 *
 * Source: `keras.optimizers.schedules.ExponentialDecay`.
 */
export class ExponentialDecay implements Schedule {
  readonly className = 'ExponentialDecay';
  readonly #config: DecayConfig;

  /** @throws SgdError `SGD_INVALID_OPTION`: an option of another type, or `decaySteps <= 0` */
  constructor(options: DecayOptions) {
    this.#config = resolve(spec(this.className), options, this.className);
  }

  call(step: number): number {
    const c = this.#config;
    return f(f(c.initialLearningRate) * pow(f(c.decayRate), progress(c, step)));
  }

  getConfig(): DecayConfig {
    return { ...this.#config };
  }
}

/**
 * `initialLearningRate / (1 + decayRate * step / decaySteps)`; with `staircase` the quotient of steps is rounded down.
 *
 * Source: `keras.optimizers.schedules.InverseTimeDecay`.
 */
export class InverseTimeDecay implements Schedule {
  readonly className = 'InverseTimeDecay';
  readonly #config: DecayConfig;

  /** @throws SgdError `SGD_INVALID_OPTION`: an option of another type, or `decaySteps <= 0` */
  constructor(options: DecayOptions) {
    this.#config = resolve(spec(this.className), options, this.className);
  }

  call(step: number): number {
    const c = this.#config;
    return f(f(c.initialLearningRate) / f(1 + f(f(c.decayRate) * progress(c, step))));
  }

  getConfig(): DecayConfig {
    return { ...this.#config };
  }
}
