import type { Program, Step } from '../contract.ts';

/** In the order in which {@link StepScalars.fill} writes them. */
const OF_EVERY_STEP = [
  'learningRate',
  'updateCount',
  'weightDecay',
  'lossScale',
  'accumulationSteps',
  'clipLimit',
  'inverseClipLimit',
  'averageMomentum',
  'clipFactor',
] as const;

const CLIP_LIMIT = OF_EVERY_STEP.indexOf('clipLimit');
const CLIP_FACTOR = OF_EVERY_STEP.indexOf('clipFactor');

/** Names that scalars of a rule can't have. */
export const RESERVED_SCALARS: readonly string[] = OF_EVERY_STEP;

/** The numbers of a step as kernels read them, in the order of {@link StepScalars.names}. Variables of a group and type share an array. */
export class StepScalars {
  /** What kernels may read. */
  readonly names: readonly string[];
  /** By variable. */
  readonly of: readonly Float64Array[];
  readonly #groups: readonly Float64Array[];

  /** @internal */
  constructor({ rule, configs, variables }: Program) {
    this.names = [...OF_EVERY_STEP, ...(rule.scalars ?? [])];
    this.#groups = configs.map(() => new Float64Array(this.names.length));
    this.of = variables.map(({ group }) => this.#groups[group]!);
  }

  /** Takes the numbers of a step. */
  fill(step: Step): void {
    for (let group = 0; group < this.#groups.length; group++) {
      const values = this.#groups[group]!;
      const { learningRate, weightDecay, options } = step.rates[group]!;
      // written out: to look each one up by its name takes longer than all else that is done for a small step
      values[0] = learningRate;
      values[1] = step.updateCount;
      values[2] = weightDecay;
      values[3] = step.lossScale;
      values[4] = step.accumulationSteps;
      if (values[CLIP_LIMIT] !== step.clipLimit) setClipLimit(values, step.clipLimit);
      values[7] = step.averageMomentum;
      values[CLIP_FACTOR] = NaN;
      for (let i = 0; i < options.length; i++) values[OF_EVERY_STEP.length + i] = options[i]!;
    }
  }

  /** Sets what gradients are multiplied by under a global norm. */
  setClipFactor(factor: number): void {
    for (const values of this.#groups) values[CLIP_FACTOR] = factor;
  }
}

function setClipLimit(values: Float64Array, limit: number): void {
  values[CLIP_LIMIT] = limit;
  values[CLIP_LIMIT + 1] = 1 / limit;
}
