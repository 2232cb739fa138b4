import { NUMBER, NUMBER_OR_NULL, POSITIVE, resolve, type Spec } from '../check.ts';
import type { Config } from '../config.ts';
import { f, NAME, PI, type Schedule } from './schedule.ts';

/** Options of {@link CosineDecay}. */
export interface CosineDecayOptions {
  /** The rate at step 0: where the warm-up starts, or, without one, where the decay starts. */
  readonly initialLearningRate: number;
  /** Steps of the decay, after the warm-up; greater than 0. */
  readonly decaySteps: number;
  /** The end of the decay as a fraction of its start; default 0. */
  readonly alpha?: number | undefined;
  /** Kept in the config, of no effect; default "CosineDecay". */
  readonly name?: string | null | undefined;
  /** Where a linear warm-up ends and the decay starts; default `null`: no warm-up, `warmupSteps` is ignored. */
  readonly warmupTarget?: number | null | undefined;
  /** Steps of the warm-up; default 0. */
  readonly warmupSteps?: number | undefined;
}

/** {@link CosineDecayOptions} with every default filled in. */
export type CosineDecayConfig = Config<CosineDecayOptions>;

const SPEC: Spec = {
  initialLearningRate: [undefined, ...NUMBER],
  decaySteps: [undefined, ...POSITIVE],
  alpha: [0, ...NUMBER],
  name: ['CosineDecay', ...NAME],
  warmupTarget: [null, ...NUMBER_OR_NULL],
  warmupSteps: [0, ...NUMBER],
};

/**
 * `base * ((1 - alpha) * 0.5 * (1 + cos(π * step / decaySteps)) + alpha)`, the step limited to `decaySteps`. With a warm-up,
 * the rate first goes in a straight line from `initialLearningRate` to `warmupTarget` in `warmupSteps` steps, and decays from there.
 *
 * Source: `keras.optimizers.schedules.CosineDecay`; Loshchilov and Hutter, SGDR, 2016 (arXiv:1608.03983).
 */
export class CosineDecay implements Schedule {
  readonly className = 'CosineDecay';
  readonly #config: CosineDecayConfig;

  /** @throws SgdError `SGD_INVALID_OPTION`: an option of another type, or `decaySteps <= 0` */
  constructor(options: CosineDecayOptions) {
    this.#config = resolve(SPEC, options, this.className);
  }

  call(step: number): number {
    const c = this.#config;
    const n = f(c.decaySteps);
    const initial = f(c.initialLearningRate);
    if (c.warmupTarget === null) return this.#decay(Math.min(f(step), n), initial);
    const warmup = f(c.warmupSteps);
    const target = f(c.warmupTarget);
    const s = Math.min(f(step), f(n + warmup));
    if (s < warmup) return f(f(f(target - initial) * f(s / warmup)) + initial);
    return this.#decay(f(s - warmup), target);
  }

  #decay(step: number, base: number): number {
    const { alpha, decaySteps } = this.#config;
    const cosine = f(0.5 * f(1 + f(Math.cos(f(PI * f(step / f(decaySteps)))))));
    // 1 - alpha in float64, unlike in CosineDecayRestarts (Keras rule)
    return f(base * f(f(f(1 - alpha) * cosine) + f(alpha)));
  }

  getConfig(): CosineDecayConfig {
    return { ...this.#config };
  }
}
