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

/** Names of the schedules on the command line. */
export const SCHEDULES = [
  'cosine',
  'cosine-restarts',
  'exponential',
  'inverse-time',
  'piecewise',
  'polynomial',
] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

/** What `--help` says about the defaults that {@link createSchedule} derives. */
export const SCHEDULE_HELP = `Schedules start at --learning-rate, count batches, and fit the length of the training unless --schedule-options says
otherwise (Keras's parameters in camelCase):
  cosine           to 0; with a warm-up first from 0 to --learning-rate, or from --learning-rate to --warmup-target
  cosine-restarts  two cosines to 0, the second twice as long
  exponential      to a tenth                 {"decaySteps":n,"decayRate":0.1,"staircase":false}
  inverse-time     to a tenth                 {"decaySteps":n,"decayRate":9,"staircase":false}
  piecewise        a tenth after half, a hundredth after three quarters     {"boundaries":[…],"values":[…]}
  polynomial       in a straight line to a hundredth                        {"endLearningRate":r,"power":1,"cycle":false}
`;

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
