import { BOOLEAN, isOptions, type Kind, NUMBER, NUMBER_OR_NULL, resolve, type Spec, UNIT, want } from './check.ts';
import type { Config } from './config.ts';
import type { Clip } from './contract.ts';
import { reading } from './errors.ts';
import { isRate, type LearningRate, RATE_WANTED } from './learning-rate.ts';
import type { OptimizerDefinition } from './optimizer-definition.ts';
import type { OnWarning } from './warnings.ts';

/** Options that every optimizer has. Names, defaults and checks are Keras's. */
export interface OptimizerOptions {
  /** The first part of the paths of the optimizer's own variables; without "/". Default: the class name in snake_case. */
  readonly name?: string | null | undefined;
  /** The default is the optimizer's: 0.01 for SGD, 0.001 for Adam and its kin. A number is kept as float32. */
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
export interface OptimizerConfig extends Config<OptimizerOptions> {
  /** The name given, or the class name in snake_case. */
  readonly name: string;
}

const EMA_FREQUENCY = atLeast(1);

function atLeast(least: number): Kind {
  const test = (value: unknown): boolean =>
    value === null || value === 0 || (Number.isInteger(value) && (value as number) >= least);
  return [test, `null, 0 or an integer of at least ${least}`];
}

export const NAME: Kind = [
  (value: unknown) => typeof value === 'string' && !value.includes('/'),
  'a string without "/"',
];

/** What Keras's base class takes beside a name and a learning rate. */
export const BASE: Spec = {
  weightDecay: [null, ...NUMBER_OR_NULL],
  clipnorm: [null, ...NUMBER_OR_NULL],
  globalClipnorm: [null, ...NUMBER_OR_NULL],
  clipvalue: [null, ...NUMBER_OR_NULL],
  useEma: [false, ...BOOLEAN],
  emaMomentum: [0.99, ...NUMBER],
  emaOverwriteFrequency: [null, ...NUMBER_OR_NULL],
  lossScaleFactor: [null, ...NUMBER_OR_NULL],
  gradientAccumulationSteps: [null, ...atLeast(2)],
};

const CLIPS = { clipnorm: 'norm', globalClipnorm: 'global-norm', clipvalue: 'value' } as const;
const LIMITS = Object.keys(CLIPS) as (keyof typeof CLIPS)[];

/**
 * Fills in the defaults and checks by Keras's rules.
 * Keras's legacy option `decay` is dropped, with a warning unless it is null.
 */
export function resolveOptions<T extends OptimizerConfig>(
  given: OptimizerOptions,
  { name, options: own, defaults }: Pick<OptimizerDefinition, 'name' | 'options' | 'defaults'>,
  warn: OnWarning,
): T {
  const { decay, ...options } = reading('options', () => {
    want(isOptions(given), 'options', 'an object', given);
    return { ...given } as Record<string, unknown>;
  });
  if (options.name === null) options.name = name;
  const spec = {
    name: [name, ...NAME],
    learningRate: [defaults.learningRate, isRate, RATE_WANTED],
    ...BASE,
    ...(defaults.weightDecay === undefined ? {} : { weightDecay: [defaults.weightDecay, ...NUMBER] as const }),
    ...own,
  } satisfies Spec;
  const config = resolve<T>(spec, options, 'options');
  const { emaMomentum, emaOverwriteFrequency: often, useEma } = config;
  if (useEma) {
    // Keras looks at the range of these only when they are used
    resolve(
      { emaMomentum: [0, ...UNIT], emaOverwriteFrequency: [0, ...EMA_FREQUENCY] },
      { emaMomentum, emaOverwriteFrequency: often },
      'options',
    );
  }
  const set = LIMITS.filter((limit) => config[limit] !== null);
  want(set.length < 2, 'options', `at most one of ${LIMITS.join(', ')}`, set.join(' and '));
  if (decay !== undefined && decay !== null) {
    warn('the option "decay" is dropped: use a schedule as learningRate', { code: 'SGD_DEPRECATED_OPTION', paths: [] });
  }
  return config;
}

/** What the limits say, and the one that holds: Keras takes the first above 0. */
export function clipOf(config: OptimizerConfig): readonly [Clip, number] {
  const name = LIMITS.find((limit) => (config[limit] as number) > 0);
  return name === undefined ? ['none', 0] : [CLIPS[name], config[name] as number];
}
