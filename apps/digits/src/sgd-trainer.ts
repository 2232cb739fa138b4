import { serialize } from '@sgd/core';
import type { AnyBackend } from './backend.ts';
import type { Batch } from './batches.ts';
import { type Handover, handover } from './handover.ts';
import { type AnyOptimizer, createOptimizer, measuresNorm } from './optimizer.ts';
import type { Options } from './options.ts';
import type { Described, StepResult, TestSet, Timing, Trainer } from './trainer.ts';
import { initialWeights, type Values } from './weights.ts';

/** Trains with an optimizer of `@sgd/core` on one backend. */
export class SgdTrainer implements Trainer {
  readonly label: string;
  readonly timings: Timing[] = [];
  steps = 0;
  dropped = 0;
  readonly #optimizer: AnyOptimizer;
  readonly #backend: AnyBackend;
  readonly #handover: Handover;
  readonly #averages: boolean;
  readonly #measures: boolean;

  private constructor(label: string, backend: AnyBackend, made: Handover, optimizer: AnyOptimizer, options: Options) {
    this.label = label;
    this.#optimizer = optimizer;
    this.#backend = backend;
    this.#handover = made;
    this.#averages = options.useEma;
    this.#measures = measuresNorm(options, backend);
  }

  /**
   * Makes the weights that the seed gives. `steps` is how many batches there will be.
   *
   * @throws SgdError when the optimizer refuses an option or the backend does not have what it needs
   */
  static async create(
    label: string,
    backend: AnyBackend,
    options: Options,
    steps: number,
    warn: (message: string) => void,
  ): Promise<SgdTrainer> {
    const optimizer = createOptimizer(options, backend, steps, warn);
    const made = handover(backend, initialWeights(options.model, options.seed));
    await optimizer.build(made.variables);
    await made.pull(optimizer);
    return new SgdTrainer(label, backend, made, optimizer, options);
  }

  get weights(): Values {
    return this.#handover.weights;
  }

  get copiesPerStep(): number {
    return this.#handover.copiesPerStep;
  }

  describe(): Described {
    return serialize(this.#optimizer);
  }

  /** One batch: gradients at the current weights, then one call of the optimizer, then its weights back to the model. */
  async step(batch: Batch): Promise<StepResult> {
    const learningRate = this.#optimizer.learningRate;
    const started = performance.now();
    const { loss, correct, gradients } = this.#handover.model.differentiate(batch, this.#optimizer.scaleLoss(1));
    const differentiated = performance.now();
    const given = this.#handover.give(gradients);
    const handed = performance.now();
    try {
      if (!(await this.#optimizer.apply(given))) this.dropped++;
    } finally {
      for (const gradient of Object.values(given)) this.#backend.free(gradient);
    }
    this.steps++;
    const gradientNorm = await this.#gradientNorm();
    const updated = performance.now();
    await this.#handover.pull(this.#optimizer);
    const ended = performance.now();
    const copies = this.copiesPerStep === 0 ? 0 : handed - differentiated + (ended - updated);
    this.timings.push({
      gradients: differentiated - started,
      optimizer: ended - differentiated - copies,
      copies,
    });
    return { loss, correct, learningRate, gradientNorm };
  }

  accuracy({ images, labels }: TestSet): number {
    return this.#handover.model.correct(images, labels) / labels.length;
  }

  async averagedAccuracy(test: TestSet): Promise<number | null> {
    if (!this.#averages || this.steps === 0) return null;
    await this.#optimizer.swapAverages();
    await this.#handover.pull(this.#optimizer);
    const accuracy = this.accuracy(test);
    await this.#optimizer.swapAverages();
    await this.#handover.pull(this.#optimizer);
    return accuracy;
  }

  async finalize(): Promise<boolean> {
    if (!this.#averages || this.steps === 0) return false;
    await this.#optimizer.finalizeVariableValues();
    await this.#handover.pull(this.#optimizer);
    return true;
  }

  async dispose(): Promise<void> {
    const variables = this.#optimizer.trainableVariables;
    await this.#optimizer.dispose();
    this.#handover.dispose(variables);
  }

  async #gradientNorm(): Promise<number | null> {
    if (!this.#measures) return null;
    return (await this.#optimizer.measured()).gradientNorm ?? null;
  }
}
