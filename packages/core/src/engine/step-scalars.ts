import type { ProgramVariable, Step } from '../contract.ts';

/** The numbers that every step has, in the order of {@link StepScalars.fill}; those of the rule follow. */
const STEP_SCALARS = [
  'learningRate',
  'weightDecay',
  'lossScale',
  'accumulationSteps',
  'clipLimit',
  'inverseClipLimit',
  'averageMomentum',
  'clipFactor',
] as const;

const CLIP_FACTOR = STEP_SCALARS.indexOf('clipFactor');

/** The numbers of a step as kernels read them, in the order of {@link StepScalars.names}. Variables of a group and type share an array. */
export class StepScalars {
  /** What kernels may read. */
  readonly names: readonly string[];
  /** By variable. */
  readonly of: readonly Float64Array[];
  readonly #groups: readonly Float64Array[];

  /** @internal */
  constructor(ruleScalars: readonly string[], variables: readonly ProgramVariable[]) {
    const groups = 1 + Math.max(0, ...variables.map(({ group }) => group));
    const names = [...STEP_SCALARS, ...ruleScalars];
    this.names = names;
    this.#groups = Array.from({ length: groups }, () => new Float64Array(names.length));
    this.of = variables.map(({ group }) => this.#groups[group]!);
  }

  /** Takes the numbers of a step. */
  fill(step: Step): void {
    for (let group = 0; group < this.#groups.length; group++) {
      const values = this.#groups[group]!;
      const rates = step.rates[group]!;
      // written out: to look each one up by its name takes longer than all else that is done for a small step
      values[0] = rates.learningRate;
      values[1] = rates.weightDecay;
      values[2] = step.lossScale;
      values[3] = step.accumulationSteps;
      values[4] = step.clipLimit;
      values[5] = 1 / step.clipLimit;
      values[6] = step.averageMomentum;
      // those of the rule; a number that passes through a variable or a function can be allocated
      for (let i = STEP_SCALARS.length; i < values.length; i++) {
        if (this.names[i] === 'momentum') values[i] = rates.momentum;
      }
    }
  }

  /** Sets what gradients are multiplied by under a global norm. */
  setClipFactor(factor: number): void {
    for (const values of this.#groups) values[CLIP_FACTOR] = factor;
  }
}
