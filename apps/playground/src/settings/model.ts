import { MODELS, type ModelName } from '@sgd/digits';

/** Keras's schedules by the names of their classes here, and a rate that stays. */
export const SCHEDULES = [
  'constant',
  'CosineDecay',
  'CosineDecayRestarts',
  'ExponentialDecay',
  'InverseTimeDecay',
  'PiecewiseConstantDecay',
  'PolynomialDecay',
] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

/** Keras takes at most one of its three limits. */
export const CLIPS = ['none', 'clipvalue', 'clipnorm', 'globalClipnorm'] as const;
export const LOSS_SCALES = ['none', 'static', 'dynamic'] as const;
export const POLICIES = ['keras', 'skip', 'throw'] as const;
export { MODELS };

/** What both runs share: they take the same batches. */
export interface TrainingSettings {
  readonly model: ModelName;
  readonly batch: number;
  readonly epochs: number;
  readonly limit: number;
  readonly seed: number;
  readonly testEvery: number;
}

/** What each run has of its own. `null`: off, or, in a schedule, fitted to the length of the training. */
export interface RunSettings {
  readonly backend: string;
  readonly learningRate: number;
  readonly schedule: ScheduleName;
  readonly decaySteps: number | null;
  readonly firstDecaySteps: number | null;
  readonly alpha: number;
  readonly warmupTarget: number | null;
  readonly warmupSteps: number | null;
  readonly tMul: number;
  readonly mMul: number;
  readonly decayRate: number | null;
  readonly staircase: boolean;
  readonly boundaries: readonly number[] | null;
  readonly values: readonly number[] | null;
  readonly endLearningRate: number | null;
  readonly power: number;
  readonly cycle: boolean;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number | null;
  readonly excludeBiases: boolean;
  readonly clip: (typeof CLIPS)[number];
  readonly clipLimit: number;
  readonly useEma: boolean;
  readonly emaMomentum: number;
  readonly emaOverwriteFrequency: number | null;
  readonly gradientAccumulationSteps: number | null;
  readonly lossScale: (typeof LOSS_SCALES)[number];
  readonly lossScaleFactor: number;
  readonly initialScale: number;
  readonly dynamicGrowthSteps: number;
  readonly nonFinite: (typeof POLICIES)[number];
  readonly hiddenRate: number;
  readonly hiddenMomentum: number | null;
  readonly hiddenDecay: number | null;
  readonly hiddenFrozen: boolean;
  readonly outputRate: number;
  readonly outputMomentum: number | null;
  readonly outputDecay: number | null;
  readonly outputFrozen: boolean;
}

/** Everything that the controls say. `b` counts only with `compare`. */
export interface State {
  readonly training: TrainingSettings;
  readonly a: RunSettings;
  readonly b: RunSettings;
  readonly compare: boolean;
}

/** Batches in a whole training. */
export function stepCount({ limit, batch, epochs }: TrainingSettings): number {
  return Math.ceil(limit / batch) * epochs;
}
