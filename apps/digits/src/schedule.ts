import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
  type Schedule,
} from '@sgd/core';
import type { Options } from './options.ts';
import type { ScheduleName } from './schedule-names.ts';

/**
 * The schedule that the options ask for, over `steps` batches; `null` when they ask for none.
 *
 * @throws SgdError `SGD_INVALID_OPTION` for schedule options that are unknown or do not fit
 */
export function createSchedule(options: Options, steps: number): Schedule | null {
  if (options.schedule === null) return null;
  const { create, defaults } = KINDS[options.schedule];
  return create({ ...defaults(options, steps), ...options.scheduleOptions });
}

interface Kind {
  readonly defaults: (options: Options, steps: number) => object;
  readonly create: (config: object) => Schedule;
}

/** Pairs the defaults with the constructor that takes them; what the user adds is checked by the constructor. */
function kind<C extends object>(
  defaults: (options: Options, steps: number) => C,
  constructor: new (config: C) => Schedule,
): Kind {
  return { defaults, create: (config) => new constructor(config as C) };
}

const KINDS: Readonly<Record<ScheduleName, Kind>> = {
  cosine: kind(cosine, CosineDecay),
  'cosine-restarts': kind(
    ({ learningRate }, steps) => ({ initialLearningRate: learningRate, firstDecaySteps: Math.ceil(steps / 3) }),
    CosineDecayRestarts,
  ),
  exponential: kind(
    ({ learningRate }, steps) => ({ initialLearningRate: learningRate, decaySteps: steps, decayRate: 0.1 }),
    ExponentialDecay,
  ),
  'inverse-time': kind(
    ({ learningRate }, steps) => ({ initialLearningRate: learningRate, decaySteps: steps, decayRate: 9 }),
    InverseTimeDecay,
  ),
  piecewise: kind(
    ({ learningRate }, steps) => ({
      boundaries: [Math.floor(steps / 2), Math.floor((3 * steps) / 4)],
      values: [learningRate, learningRate / 10, learningRate / 100],
    }),
    PiecewiseConstantDecay,
  ),
  polynomial: kind(
    ({ learningRate }, steps) => ({
      initialLearningRate: learningRate,
      decaySteps: steps,
      endLearningRate: learningRate / 100,
    }),
    PolynomialDecay,
  ),
};

/** A warm-up of a tenth of the steps where only its target is given; from 0 where only its length is. */
function cosine({ learningRate, warmupSteps, warmupTarget }: Options, steps: number) {
  if (warmupSteps === null && warmupTarget === null) return { initialLearningRate: learningRate, decaySteps: steps };
  const warmup = warmupSteps ?? Math.ceil(steps / 10);
  return {
    initialLearningRate: warmupTarget === null ? 0 : learningRate,
    warmupTarget: warmupTarget ?? learningRate,
    warmupSteps: warmup,
    decaySteps: Math.max(1, steps - warmup),
  };
}
