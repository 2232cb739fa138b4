import { initialWeights } from '@sgd/digits';
import { LossScaleOptimizer } from '@sgd/core';
import type { OptimizerPlan } from '../settings/plan.ts';
import type { TrainingSettings } from '../settings/model.ts';
import type { SparseDigits } from './images.ts';
import { type Float32Values, Network } from './network.ts';
import { type AnyBackend, type AnyOptimizer, makeOptimizer } from './optimizer.ts';

/** What one step gave. */
export interface StepResult {
  readonly loss: number;
  /** The rate that the step used. */
  readonly learningRate: number;
  /** Norm of the last update; `null` before the first, or where the backend does not measure. */
  readonly updateNorm: number | null;
}

/** One network that one optimizer trains on one backend: gradients are computed here, and handed to it. */
export class Run {
  readonly backend: AnyBackend;
  /** After the last step. */
  weights: Float32Values;
  /** Steps taken, and steps dropped because a gradient was not finite. */
  taken = 0;
  dropped = 0;
  /** Milliseconds in all steps: the gradients; the optimizer, with copies to the backend and back. */
  readonly milliseconds: { gradients: number; optimizer: number } = { gradients: 0, optimizer: 0 };
  readonly #network: Network;
  readonly #optimizer: AnyOptimizer;
  readonly #shapes: Readonly<Record<string, readonly number[]>>;
  readonly #averages: boolean;
  readonly #measures: boolean;

  private constructor(
    backend: AnyBackend,
    optimizer: AnyOptimizer,
    network: Network,
    initial: ReturnType<typeof initialWeights>,
    averages: boolean,
  ) {
    this.backend = backend;
    this.#optimizer = optimizer;
    this.#network = network;
    this.#shapes = Object.fromEntries(Object.entries(initial).map(([path, { shape }]) => [path, shape]));
    this.weights = Object.fromEntries(Object.entries(initial).map(([path, { data }]) => [path, data as Float32Array]));
    this.#averages = averages;
    this.#measures = backend.supports.has('measure');
  }

  /**
   * Makes the weights that the seed gives, on the backend.
   *
   * @throws SgdError when the optimizer refuses an option or the backend does not have what it needs
   */
  static async create(
    plan: OptimizerPlan,
    { model, seed }: TrainingSettings,
    backend: AnyBackend,
    warn: (message: string) => void,
  ): Promise<Run> {
    const optimizer = makeOptimizer(plan, backend, warn);
    const initial = initialWeights(model, seed);
    const variables = Object.entries(initial).map(([path, values]) => [path, backend.variable(values)] as const);
    try {
      await optimizer.build(Object.fromEntries(variables));
    } catch (error) {
      for (const [, variable] of variables) backend.free(variable);
      throw error;
    }
    return new Run(backend, optimizer, new Network(model), initial, plan.options.useEma ?? false);
  }

  /** What gradients are divided by; `null` without a dynamic loss scale. */
  get dynamicScale(): number | null {
    return this.#optimizer instanceof LossScaleOptimizer ? this.#optimizer.dynamicScale : null;
  }

  /** Updates so far. */
  get updates(): number {
    return this.#optimizer.iterations;
  }

  /** Gradients of one batch at the current weights, then one call of the optimizer. */
  async step({ images, labels }: SparseDigits, indices: Int32Array): Promise<StepResult> {
    const { learningRate } = this.#optimizer;
    const started = performance.now();
    const scale = this.#optimizer.scaleLoss(1);
    const { loss, gradients } = this.#network.gradients(this.weights, images, labels, indices, scale);
    const differentiated = performance.now();
    const given = this.#toBackend(gradients);
    try {
      if (await this.#optimizer.apply(given)) this.taken++;
      else this.dropped++;
    } finally {
      for (const gradient of Object.values(given)) this.backend.free(gradient);
    }
    const updateNorm = this.#measures ? ((await this.#optimizer.measured()).updateNorm ?? null) : null;
    await this.#pull();
    this.milliseconds.gradients += differentiated - started;
    this.milliseconds.optimizer += performance.now() - differentiated;
    return { loss, learningRate, updateNorm };
  }

  /** Share of the images at `indices` that are recognised. */
  accuracy({ images, labels }: SparseDigits, indices: Int32Array): number {
    return this.#network.correct(this.weights, images, labels, indices) / indices.length;
  }

  /** The same with the averages in place of the weights, for this moment only; `null` where there are none. */
  async averagedAccuracy(digits: SparseDigits, indices: Int32Array): Promise<number | null> {
    if (!this.#averages || this.taken === 0) return null;
    const { weights } = this;
    await this.#optimizer.swapAverages();
    await this.#pull();
    const accuracy = this.accuracy(digits, indices);
    await this.#optimizer.swapAverages();
    this.weights = weights;
    return accuracy;
  }

  /** The weights become their averages; `false` where there are none. */
  async finalize(): Promise<boolean> {
    if (!this.#averages || this.taken === 0) return false;
    await this.#optimizer.finalizeVariableValues();
    await this.#pull();
    return true;
  }

  /** Frees what is on the backend; the weights stay here. */
  async dispose(): Promise<void> {
    const variables = this.#optimizer.trainableVariables;
    await this.#optimizer.dispose();
    for (const variable of variables) this.backend.free(variable);
  }

  #toBackend(gradients: Float32Values): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(gradients).map(([path, data]) => [
        path,
        this.backend.gradient({ data, shape: this.#shapes[path]! }),
      ]),
    );
  }

  async #pull(): Promise<void> {
    this.weights = (await this.#optimizer.readAll()) as Float32Values;
  }
}
