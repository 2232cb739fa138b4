import type { Rates, Step } from './contract.ts';
import type { Group } from './groups.ts';
import type { RateHolder } from './learning-rate.ts';
import { clipOf, type OptimizerConfig } from './options.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The numbers of each step, in one object that is filled anew each time. */
export class StepNumbers {
  readonly step: Writable<Step>;
  readonly #config: OptimizerConfig;
  readonly #groups: readonly Group[];
  readonly #rate: RateHolder;
  readonly #rates: Writable<Rates>[];

  constructor(config: OptimizerConfig, groups: readonly Group[], rate: RateHolder) {
    this.#config = config;
    this.#groups = groups;
    this.#rate = rate;
    this.#rates = groups.map(({ momentum, weightDecay }) => ({
      learningRate: 0,
      momentum,
      weightDecay: weightDecay ?? 0,
    }));
    this.step = {
      phase: 'update',
      ordinary: true,
      lossScale: config.lossScaleFactor ?? 1,
      accumulationSteps: config.gradientAccumulationSteps || 1,
      clipLimit: clipOf(config).limit,
      rates: this.#rates,
      averageMomentum: 0,
      averageOverwrite: false,
    };
  }

  /** Updates among so many micro-batches (Keras's `iterations`). */
  iterations(micro: number): number {
    return Math.floor(micro / this.step.accumulationSteps);
  }

  /** Fills in the step that comes after `micro` calls of `apply`. May throw what the user's learning rate throws. */
  fill(micro: number, ordinary: boolean): void {
    const { step } = this;
    const { useEma, emaMomentum, emaOverwriteFrequency: often } = this.#config;
    const updates = (micro + 1) % step.accumulationSteps === 0;
    // the window of the update under way counts, so that with accumulation all its micro-batches overwrite (Keras rule)
    const iterations = this.iterations(micro);
    step.phase = updates ? 'update' : 'accumulate';
    step.ordinary = ordinary;
    step.averageMomentum = iterations === 0 ? 0 : emaMomentum;
    step.averageOverwrite = useEma && Boolean(often) && (iterations + 1) % (often as number) === 0;
    if (updates && ordinary) this.#readRates(micro);
  }

  #readRates(micro: number): void {
    const rate = this.#rate.at(micro);
    for (let i = 0; i < this.#rates.length; i++) {
      const { rate: own, multiplier } = this.#groups[i] as Group;
      (this.#rates[i] as Writable<Rates>).learningRate = (own === null ? rate : own.at(micro)) * multiplier;
    }
  }
}
