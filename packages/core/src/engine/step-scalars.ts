import type { Rates, Step } from '../contract.ts';

/** The numbers of a step as kernels read them: for each group an array, in the order of {@link StepScalars.names}. */
export class StepScalars {
  readonly names: readonly string[];
  readonly groups: readonly Float64Array[];

  /**
   * @param names - what kernels may read
   * @param groups - how many groups of variables there are
   */
  constructor(names: readonly string[], groups: number) {
    this.names = names;
    this.groups = Array.from({ length: groups }, () => new Float64Array(names.length));
  }

  /** Takes the numbers of a step. */
  fill(step: Step): void {
    for (let group = 0; group < this.groups.length; group++) {
      const values = this.groups[group] as Float64Array;
      const rates = step.rates[group] as Rates;
      for (let i = 0; i < values.length; i++) values[i] = numberOf(this.names[i] as string, step, rates);
    }
  }

  /** Sets what gradients are multiplied by under a global norm. */
  setClipFactor(factor: number): void {
    const place = this.names.indexOf('clipFactor');
    for (const values of this.groups) values[place] = factor;
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
