import { isNumber, type Kind, resolve, type Spec, want } from '../check.ts';
import type { Config } from '../config.ts';
import { f, NAME, type Schedule } from './schedule.ts';

/** Options of {@link PiecewiseConstantDecay}. */
export interface PiecewiseConstantDecayOptions {
  /** Steps at which the rate changes, increasing. */
  readonly boundaries: readonly number[];
  /** The rates between them: one more than `boundaries`. */
  readonly values: readonly number[];
  /** Kept in the config, of no effect; default "PiecewiseConstant". */
  readonly name?: string | null | undefined;
}

/** {@link PiecewiseConstantDecayOptions} with every default filled in. */
export type PiecewiseConstantDecayConfig = Config<PiecewiseConstantDecayOptions>;

const NUMBERS: Kind = [(list: unknown) => Array.isArray(list) && list.every(isNumber), 'an array of numbers'];
const SPEC: Spec = {
  boundaries: [undefined, ...NUMBERS],
  values: [undefined, ...NUMBERS],
  // Keras's default name
  name: ['PiecewiseConstant', ...NAME],
};

/**
 * `values[i]` while `boundaries[i-1] < step <= boundaries[i]`.
 *
 * Computed as Keras does, as a sum of indicator times value: an infinite or NaN value makes every rate NaN, and boundaries that
 * do not increase can select two values (their sum) or none (0). For an integer step, boundaries are cut to integers.
 *
 * Source: `keras.optimizers.schedules.PiecewiseConstantDecay`.
 */
export class PiecewiseConstantDecay implements Schedule {
  readonly className = 'PiecewiseConstantDecay';
  readonly #config: PiecewiseConstantDecayConfig;

  /** @throws SgdError `SGD_INVALID_OPTION`: not arrays of numbers, or not one value more than boundaries */
  constructor(options: PiecewiseConstantDecayOptions) {
    const { boundaries, values, name } = resolve<PiecewiseConstantDecayConfig>(SPEC, options, this.className);
    const given = `${this.className}: boundaries`;
    want(boundaries.length === values.length - 1, given, `one fewer than values (${values.length})`, boundaries);
    this.#config = { boundaries: [...boundaries], values: [...values], name };
  }

  call(step: number): number {
    const { boundaries, values } = this.#config;
    const cast = Number.isInteger(step) ? Math.trunc : f;
    const last = boundaries.length - 1;
    const value = (i: number): number => f(values[i] as number);
    const edge = (i: number): number => cast(boundaries[i] as number);
    if (last < 0) return value(0);
    let sum = f(Number(step <= edge(0)) * value(0));
    sum = f(sum + f(Number(step > edge(last)) * value(last + 1)));
    for (let i = 0; i < last; i++) {
      sum = f(sum + f(Number(step > edge(i) && step <= edge(i + 1)) * value(i + 1)));
    }
    return sum;
  }

  getConfig(): PiecewiseConstantDecayConfig {
    const { boundaries, values, name } = this.#config;
    return { boundaries: [...boundaries], values: [...values], name };
  }
}
