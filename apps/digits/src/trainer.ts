import * as tf from '@tensorflow/tfjs-core';
import type { AnyBackend } from './backend.ts';
import { type Batch, PIXELS } from './data.ts';
import { initialWeights, Model, type Values } from './model.ts';
import { type AnyOptimizer, createOptimizer } from './optimizer.ts';
import type { Options } from './options.ts';

/** What one step gave. The learning rate is the one that the step used. */
export interface StepResult {
  readonly loss: number;
  readonly correct: number;
  readonly learningRate: number;
  /** Norm of the gradients of the last update; `null` before the first one, or where the backend does not measure. */
  readonly gradientNorm: number | null;
}

/** Milliseconds spent in training steps. */
export interface Timing {
  /** TensorFlow.js: the loss and its gradients. */
  gradients: number;
  /** `optimizer.apply`, and the gradient norm that it measured. */
  optimizer: number;
  /** Gradients handed to the backend, new weights read and handed to TensorFlow.js. */
  copies: number;
}

/** Images to test with, on the engine. */
export interface TestSet {
  readonly images: tf.Tensor2D;
  readonly labels: Uint8Array;
}

/** A model and the optimizer that trains it on one backend. */
export class Trainer {
  readonly label: string;
  readonly optimizer: AnyOptimizer;
  readonly timing: Timing = { gradients: 0, optimizer: 0, copies: 0 };
  /** Weights after the last step, by path. */
  weights: Values = {};
  /** Steps taken, accumulating ones included. */
  steps = 0;
  /** Steps dropped because a gradient was not finite. */
  dropped = 0;
  readonly #backend: AnyBackend;
  readonly #model: Model;
  readonly #averages: boolean;

  private constructor(label: string, backend: AnyBackend, model: Model, optimizer: AnyOptimizer, averages: boolean) {
    this.label = label;
    this.optimizer = optimizer;
    this.#backend = backend;
    this.#model = model;
    this.#averages = averages;
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
  ): Promise<Trainer> {
    const optimizer = createOptimizer(options, backend, steps, warn);
    const initial = initialWeights(options.model, options.seed);
    const variables = Object.entries(initial).map(([path, values]) => [path, backend.variable(values)] as const);
    await optimizer.build(Object.fromEntries(variables));
    const trainer = new Trainer(label, backend, new Model(initial), optimizer, options.useEma);
    trainer.weights = await optimizer.readAll();
    return trainer;
  }

  /** One batch: gradients at the current weights, then one call of the optimizer, then its weights back to the model. */
  async step(batch: Batch): Promise<StepResult> {
    const learningRate = this.optimizer.learningRate;
    const started = performance.now();
    const { loss, correct, gradients } = this.#model.gradients(batch, this.optimizer.scaleLoss(1));
    const differentiated = performance.now();
    const given = this.#toBackend(gradients);
    const handed = performance.now();
    try {
      if (!(await this.optimizer.apply(given))) this.dropped++;
    } finally {
      for (const gradient of Object.values(given)) this.#backend.free(gradient);
    }
    this.steps++;
    const gradientNorm = await this.#gradientNorm();
    const updated = performance.now();
    await this.#pull();
    this.timing.gradients += differentiated - started;
    this.timing.optimizer += updated - handed;
    this.timing.copies += handed - differentiated + (performance.now() - updated);
    return { loss, correct, learningRate, gradientNorm };
  }

  /** Share of the test images that are recognised. */
  accuracy({ images, labels }: TestSet): number {
    return this.#model.correct(images, labels) / labels.length;
  }

  /** The same with the averages in place of the weights, for this moment only; `null` where no averages are kept. */
  async averagedAccuracy(test: TestSet): Promise<number | null> {
    if (!this.#averages || this.steps === 0) return null;
    await this.optimizer.swapAverages();
    await this.#pull();
    const accuracy = this.accuracy(test);
    await this.optimizer.swapAverages();
    await this.#pull();
    return accuracy;
  }

  /** The weights become their averages; `false` where none are kept. */
  async finalize(): Promise<boolean> {
    if (!this.#averages || this.steps === 0) return false;
    await this.optimizer.finalizeVariableValues();
    await this.#pull();
    return true;
  }

  async dispose(): Promise<void> {
    const variables = this.optimizer.trainableVariables;
    await this.optimizer.dispose();
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
    if (!this.#backend.supports.has('measure')) return null;
    return (await this.optimizer.measured()).gradientNorm ?? null;
  }

  async #pull(): Promise<void> {
    this.weights = await this.optimizer.readAll();
    this.#model.assign(this.weights);
  }
}

/** Puts images on the engine; the caller disposes of them. */
export function testSet({ images, labels }: Batch): TestSet {
  return { images: tf.tensor2d(images, [labels.length, PIXELS]), labels };
}
