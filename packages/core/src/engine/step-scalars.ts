import type { ProgramVariable, Rates, Step } from '../contract.ts';

/** The numbers of a step as kernels read them, in the order of {@link StepScalars.names}. Variables of a group and type share an array. */
export class StepScalars {
  /** What kernels may read. */
  readonly names: readonly string[];
  /** By variable. */
  readonly of: readonly Float64Array[];
  readonly #groups: readonly Float64Array[];

  /** @internal */
  constructor(names: readonly string[], variables: readonly ProgramVariable[]) {
    const groups = 1 + Math.max(0, ...variables.map(({ group }) => group));
    this.names = names;
    this.#groups = Array.from({ length: groups }, () => new Float64Array(names.length));
    this.of = variables.map(({ group }) => this.#groups[group]!);
  }

  /** Takes the numbers of a step. */
  fill(step: Step): void {
    for (let group = 0; group < this.#groups.length; group++) {
      const values = this.#groups[group]!;
      const rates = step.rates[group]!;
      for (let i = 0; i < values.length; i++) values[i] = numberOf(this.names[i]!, step, rates);
    }
  }

  /** Sets what gradients are multiplied by under a global norm. */
  setClipFactor(factor: number): void {
    const place = this.names.indexOf('clipFactor');
    for (const values of this.#groups) values[place] = factor;
  }
}

function numberOf(name: string, step: Step, rates: Rates): number {
  switch (name) {
    case 'learningRate':
      return rates.learningRate;
    case 'momentum':
      return rates.momentum;
    case 'weightDecay':
      return rates.weightDecay;
    case 'lossScale':
      return step.lossScale;
    case 'accumulationSteps':
      return step.accumulationSteps;
    case 'clipLimit':
      return step.clipLimit;
    case 'inverseClipLimit':
      return 1 / step.clipLimit;
    case 'averageMomentum':
      return step.averageMomentum;
    default:
      return NaN;
  }
}
