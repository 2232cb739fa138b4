import { isNumber, isNumberOrNull, isObject, want, wantKnownKeys } from './check.ts';
import type { Clip } from './contract.ts';
import { SgdError } from './errors.ts';
import type { LearningRate } from './learning-rate.ts';
import type { Warn } from './warnings.ts';

/** Options that every optimizer has. Names, defaults and checks are Keras's. */
export interface OptimizerOptions {
  /** The first part of the paths of the optimizer's own variables; without "/". Default: the class name in snake_case. */
  readonly name?: string | null | undefined;
  /** Default 0.01. A number is kept as float32. */
  readonly learningRate?: LearningRate | undefined;
  /**
   * Decoupled weight decay: `x = x - (x * weightDecay) * learningRate` before each update. Default `null`: none. 0 counts as set.
   */
  readonly weightDecay?: number | null | undefined;
  /** Clips each gradient to this L2 norm. At most one of the three limits may be set; a limit `<= 0` does not clip. */
  readonly clipnorm?: number | null | undefined;
  /** Clips the L2 norm over all gradients of a step. */
  readonly globalClipnorm?: number | null | undefined;
  /** Clips each element to `[-clipvalue, clipvalue]`. */
  readonly clipvalue?: number | null | undefined;
  /** Whether to keep an exponential moving average of the variables. Default `false`. */
  readonly useEma?: boolean | undefined;
  /** `average = emaMomentum * average + (1 - emaMomentum) * x` after every call of `apply`; from 0 to 1, default 0.99. */
  readonly emaMomentum?: number | undefined;
  /** After so many updates the variables are overwritten by their averages. Default `null`: never; so is 0. */
  readonly emaOverwriteFrequency?: number | null | undefined;
  /** What `scaleLoss` multiplies the loss by, and gradients are divided by. Default `null`: neither. */
  readonly lossScaleFactor?: number | null | undefined;
  /** Micro-batches per update, at least 2; their mean gradient is used. Default `null`: off; so is 0. */
  readonly gradientAccumulationSteps?: number | null | undefined;
}

/** {@link OptimizerOptions} with every default filled in, in Keras's order. */
export interface OptimizerConfig {
  readonly name: string;
  readonly learningRate: LearningRate;
  readonly weightDecay: number | null;
  readonly clipnorm: number | null;
  readonly globalClipnorm: number | null;
  readonly clipvalue: number | null;
  readonly useEma: boolean;
  readonly emaMomentum: number;
  readonly emaOverwriteFrequency: number | null;
  readonly lossScaleFactor: number | null;
  readonly gradientAccumulationSteps: number | null;
}

type BaseDefaults = Omit<OptimizerConfig, 'name' | 'learningRate'>;

/** Keras's defaults of what every optimizer shares. */
export const BASE_DEFAULTS: BaseDefaults = {
  weightDecay: null,
  clipnorm: null,
  globalClipnorm: null,
  clipvalue: null,
  useEma: false,
  emaMomentum: 0.99,
  emaOverwriteFrequency: null,
  lossScaleFactor: null,
  gradientAccumulationSteps: null,
};

const LIMITS = ['clipnorm', 'globalClipnorm', 'clipvalue'] as const;

function checkName(name: unknown): void {
  want(typeof name === 'string' && !name.includes('/'), 'name', 'a string without "/"', name);
}

function checkBase(c: OptimizerConfig): void {
  const k = c.gradientAccumulationSteps;
  const accumulates = k === null || k === 0 || (Number.isInteger(k) && k >= 2);
  want(accumulates, 'gradientAccumulationSteps', 'null, 0 or an integer of at least 2', k);
  want(typeof c.useEma === 'boolean', 'useEma', 'a boolean', c.useEma);
  want(isNumber(c.emaMomentum), 'emaMomentum', 'a number', c.emaMomentum);
  const often = c.emaOverwriteFrequency;
  want(isNumberOrNull(often), 'emaOverwriteFrequency', 'a number or null', often);
  if (c.useEma) {
    want(!(c.emaMomentum < 0 || c.emaMomentum > 1), 'emaMomentum', 'from 0 to 1', c.emaMomentum);
    const ok = often === null || often === 0 || (Number.isInteger(often) && often >= 1);
    want(ok, 'emaOverwriteFrequency', 'null, 0 or an integer of at least 1', often);
  }
  for (const name of [...LIMITS, 'weightDecay', 'lossScaleFactor'] as const) {
    want(isNumberOrNull(c[name]), name, 'a number or null', c[name]);
  }
  const set = LIMITS.filter((name) => c[name] !== null);
  if (set.length > 1) {
    throw new SgdError(
      'SGD_INVALID_OPTION',
      `at most one of ${LIMITS.join(', ')} may be set, got ${set.join(' and ')}`,
    );
  }
  checkName(c.name);
}

/**
 * Fills in the defaults and checks in Keras's order. `own` are the defaults of the optimizer's own options, which it checks itself.
 * Keras's legacy option `decay` is dropped, with a warning unless it is null.
 */
export function resolveOptions<T extends object>(
  given: OptimizerOptions,
  name: string,
  own: T,
  warn: Warn,
): OptimizerConfig & T {
  want(isObject(given), 'options', 'an object', given);
  const defaults = { name, learningRate: 0.01, ...BASE_DEFAULTS, ...own };
  const config: Record<string, unknown> = { ...defaults };
  const { decay, ...options } = given as Record<string, unknown>;
  if (decay !== undefined && decay !== null) {
    warn.once(
      'SGD_DEPRECATED_OPTION',
      [],
      'the option "decay" is not supported any more and is dropped: use a schedule as learningRate',
    );
  }
  wantKnownKeys(options, Object.keys(defaults), 'the optimizer');
  for (const [key, value] of Object.entries(options)) if (value !== undefined) config[key] = value;
  if (config.name === null) config.name = name;
  const checked = config as unknown as OptimizerConfig & T;
  checkBase(checked);
  return checked;
}

/** What the limits say: Keras takes the first one above 0. */
export function clipOf(c: OptimizerConfig): { clip: Clip; limit: number } {
  const kinds = { clipnorm: 'norm', globalClipnorm: 'global-norm', clipvalue: 'value' } as const;
  for (const name of LIMITS) {
    const limit = c[name];
    if (limit !== null && limit > 0) return { clip: kinds[name], limit };
  }
  return { clip: 'none', limit: 0 };
}
