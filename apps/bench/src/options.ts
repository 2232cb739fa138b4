import type { SGDOptions } from '@sgd/core';

/** A set of options to be timed. */
export interface OptionSet {
  readonly name: string;
  readonly options: SGDOptions;
  /** `last`: of each accumulation only the last micro-step is timed, the one that updates. `all`: the mean over all of them. */
  readonly timed: 'all' | 'last';
  /** Bytes that a timed step moves for each element: see {@link PASSES}. */
  readonly bytes: number;
}

/**
 * The passes over memory that a set of options needs at the least, as `what is read > what is written`: `g` gradient, `x` variable,
 * `m` momentum, `v` accumulator, `a` average, 4 bytes an element each. A norm has to be known before the first element is clipped,
 * so it is a pass of its own that only reads. Unscaling takes place in registers. GB/s count these bytes for every contender, however
 * many it moves in truth: so they compare as times do.
 */
export interface Passes {
  readonly updating: readonly string[];
  /** Of micro-steps that only accumulate. The average moves in these too, as it does in Keras. */
  readonly accumulating?: readonly string[];
}

const MOMENTUM = ['g m x > m x'];
const AVERAGED = ['g >', 'g m x a > m x a'];
const ACCUMULATED = { accumulating: ['g v x a > v a'], updating: ['g v >', 'g v m x a > v m x a'] };

/** By the names of the sets. */
export const PASSES: Readonly<Record<string, Passes>> = {
  plain: { updating: ['g x > x'] }, // 12 bytes
  momentum: { updating: MOMENTUM }, // 20
  'nesterov+decay': { updating: MOMENTUM }, // 20
  'nesterov+decay+clip': { updating: ['g >', ...MOMENTUM] }, // 24
  'nesterov+decay+clip+ema': { updating: AVERAGED }, // 32
  'nesterov+decay+clip+ema+accumulation': ACCUMULATED, // 44 updating, 24 accumulating, 29 in the mean over 4
  all: ACCUMULATED,
};

const ACCUMULATION_STEPS = 4;
const learningRate = 0.01;
const momentum = { learningRate, momentum: 0.9 };
const nesterov = { ...momentum, nesterov: true, weightDecay: 1e-4 };
const clip = { ...nesterov, globalClipnorm: 1 };
const ema = { ...clip, useEma: true };
const accumulation = { ...ema, gradientAccumulationSteps: ACCUMULATION_STEPS };

const moved = (passes: readonly string[] = []): number => 4 * passes.join(' ').replace(/[^a-z]/g, '').length;

/** Bytes for each element of a step that updates, or of the mean over all micro-steps. */
export function bytesOf({ updating, accumulating }: Passes, timed: OptionSet['timed']): number {
  if (!accumulating || timed === 'last') return moved(updating);
  return ((ACCUMULATION_STEPS - 1) * moved(accumulating) + moved(updating)) / ACCUMULATION_STEPS;
}

const set = (name: string, options: SGDOptions, timed: OptionSet['timed'] = 'all'): OptionSet => ({
  name: timed === 'last' ? `${name}:update` : name,
  options,
  timed,
  bytes: bytesOf(PASSES[name]!, timed),
});

/** Each adds to the one before; the last one adds unscaling. */
export const OPTION_SETS: readonly OptionSet[] = [
  set('plain', { learningRate }),
  set('momentum', momentum),
  set('nesterov+decay', nesterov),
  set('nesterov+decay+clip', clip),
  set('nesterov+decay+clip+ema', ema),
  set('nesterov+decay+clip+ema+accumulation', accumulation),
  set('nesterov+decay+clip+ema+accumulation', accumulation, 'last'),
  set('all', { ...accumulation, lossScaleFactor: 1000 }),
  set('all', { ...accumulation, lossScaleFactor: 1000 }, 'last'),
];

/** Micro-steps of an update. */
export const microSteps = ({ options }: OptionSet): number => options.gradientAccumulationSteps ?? 1;

/** Arrays of the size of the variables that an optimizer keeps: themselves, momentum, average, accumulator. */
export const arraysKept = ({ options }: OptionSet): number =>
  1 + Number(!!options.momentum) + Number(!!options.useEma) + Number(!!options.gradientAccumulationSteps);
