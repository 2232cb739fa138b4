import { NUMBER, POSITIVE, resolve, type Spec } from '../check.ts';
import type { Config } from '../config.ts';
import { f, NAME, PI, pow, type Schedule } from './schedule.ts';

/** Options of {@link CosineDecayRestarts}. */
export interface CosineDecayRestartsOptions {
  /** The rate at step 0. */
  readonly initialLearningRate: number;
  /** Steps of the first period; greater than 0. */
  readonly firstDecaySteps: number;
  /** How many times longer each period is than the one before; default 2. */
  readonly tMul?: number | undefined;
  /** The start of each period as a multiple of the one before; default 1. */
  readonly mMul?: number | undefined;
  /** The end of each period as a fraction of `initialLearningRate`; default 0. Not scaled by `mMul`. */
  readonly alpha?: number | undefined;
  /** Kept in the config, of no effect; default "SGDRDecay". */
  readonly name?: string | null | undefined;
}

/** {@link CosineDecayRestartsOptions} with every default filled in. */
export type CosineDecayRestartsConfig = Config<CosineDecayRestartsOptions>;

const SPEC: Spec = {
  initialLearningRate: [undefined, ...NUMBER],
  firstDecaySteps: [undefined, ...POSITIVE],
  tMul: [2, ...NUMBER],
  mMul: [1, ...NUMBER],
  alpha: [0, ...NUMBER],
  // Keras's default name
  name: ['SGDRDecay', ...NAME],
};

/**
 * Cosine decay that restarts: within period `i`, at the fraction `x` of it,
 * `initialLearningRate * ((1 - alpha) * 0.5 * mMul^i * (1 + cos(π * x)) + alpha)`.
 *
 * With `tMul < 1` the rate is NaN after the last period, as in Keras.
 *
 * Source: `keras.optimizers.schedules.CosineDecayRestarts`; Loshchilov and Hutter, SGDR, 2016 (arXiv:1608.03983).
 */
export class CosineDecayRestarts implements Schedule {
  readonly className = 'CosineDecayRestarts';
  readonly #config: CosineDecayRestartsConfig;

  /** @throws SgdError `SGD_INVALID_OPTION`: an option of another type, or `firstDecaySteps <= 0` */
  constructor(options: CosineDecayRestartsOptions) {
    this.#config = resolve(SPEC, options, this.className);
  }

  call(step: number): number {
    const c = this.#config;
    const t = f(c.tMul);
    const alpha = f(c.alpha);
    let x = f(f(step) / f(c.firstDecaySteps));
    let restart: number;
    if (t === 1) {
      restart = Math.floor(x);
      x = f(x - restart);
    } else {
      const log = f(Math.log(f(1 - f(x * f(1 - t)))));
      restart = Math.floor(f(log / f(Math.log(t))));
      const length = pow(t, restart);
      x = f(f(x - f(f(1 - length) / f(1 - t))) / length);
    }
    const cosine = f(f(0.5 * pow(f(c.mMul), restart)) * f(1 + f(Math.cos(f(PI * x)))));
    return f(f(c.initialLearningRate) * f(f(f(1 - alpha) * cosine) + alpha));
  }

  getConfig(): CosineDecayRestartsConfig {
    return { ...this.#config };
  }
}
