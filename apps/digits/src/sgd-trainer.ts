import { serialize } from '@sgd/core';
import type { AnyBackend } from './backend.ts';
import type { Batch } from './batches.ts';
import { Model } from './model.ts';
import { type AnyOptimizer, createOptimizer, measuresNorm } from './optimizer.ts';
import type { Options } from './options.ts';
import type { Described, StepResult, TestSet, Timing, Trainer } from './trainer.ts';
import { initialWeights, type Values } from './weights.ts';

/** Trains with an optimizer of `@sgd/core` on one backend. */
export class SgdTrainer implements Trainer {
  readonly label: string;
  readonly timings: Timing[] = [];
  weights: Values = {};
  steps = 0;
  dropped = 0;
  readonly #optimizer: AnyOptimizer;
  readonly #backend: AnyBackend;
  readonly #model: Model;
  readonly #averages: boolean;
  readonly #measures: boolean;

  private constructor(label: string, backend: AnyBackend, model: Model, optimizer: AnyOptimizer, options: Options) {
    this.label = label;
    this.#optimizer = optimizer;
    this.#backend = backend;
    this.#model = model;
    this.#averages = options.useEma;
    this.#measures = measuresNorm(options, backend);
  }

  /**
   * Makes the weights that the seed gives, on both engines. `steps` is how many batches there will be.
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
    const initial = initialWeights(options.model, options.seed);
    const variables = Object.entries(initial).map(([path, values]) => [path, backend.variable(values)] as const);
    await optimizer.build(Object.fromEntries(variables));
    const trainer = new SgdTrainer(label, backend, new Model(initial), optimizer, options);
    trainer.weights = await optimizer.readAll();
    return trainer;
  }

  describe(): Described {
    return serialize(this.#optimizer);
  }

  /** One batch: gradients at the current weights, then one call of the optimizer, then its weights back to the model. */
  async step(batch: Batch): Promise<StepResult> {
    const learningRate = this.#optimizer.learningRate;
    const started = performance.now();
    const { loss, correct, gradients } = this.#model.gradients(batch, this.#optimizer.scaleLoss(1));
    const differentiated = performance.now();
    const given = this.#toBackend(gradients);
    const handed = performance.now();
    try {
      if (!(await this.#optimizer.apply(given))) this.dropped++;
    } finally {
      for (const gradient of Object.values(given)) this.#backend.free(gradient);
    }
    this.steps++;
    const gradientNorm = await this.#gradientNorm();
    const updated = performance.now();
    await this.#pull();
    this.timings.push({
      gradients: differentiated - started,
      optimizer: updated - handed,
      copies: handed - differentiated + (performance.now() - updated),
    });
    return { loss, correct, learningRate, gradientNorm };
  }

  accuracy({ images, labels }: TestSet): number {
    return this.#model.correct(images, labels) / labels.length;
  }

  async averagedAccuracy(test: TestSet): Promise<number | null> {
    if (!this.#averages || this.steps === 0) return null;
    await this.#optimizer.swapAverages();
    await this.#pull();
    const accuracy = this.accuracy(test);
    await this.#optimizer.swapAverages();
    await this.#pull();
    return accuracy;
  }

  async finalize(): Promise<boolean> {
    if (!this.#averages || this.steps === 0) return false;
    await this.#optimizer.finalizeVariableValues();
    await this.#pull();
    return true;
  }

  async dispose(): Promise<void> {
    const variables = this.#optimizer.trainableVariables;
    await this.#optimizer.dispose();
    for (const variable of variables) this.#backend.free(variable);
    this.#model.dispose();
  }

  #toBackend(gradients: Values<Float32Array>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(gradients).map(([path, data]) => [
        path,
        this.#backend.gradient({ data, shape: this.#model.shape(path) }),
      ]),
    );
  }

  async #gradientNorm(): Promise<number | null> {
    if (!this.#measures) return null;
    return (await this.#optimizer.measured()).gradientNorm ?? null;
  }

  async #pull(): Promise<void> {
    this.weights = await this.#optimizer.readAll();
    this.#model.assign(this.weights);
  }
}
