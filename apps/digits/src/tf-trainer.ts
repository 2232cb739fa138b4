import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './batches.ts';
import { UsageError } from './errors.ts';
import { Model } from './model.ts';
import { dashed, DEFAULTS, type Options } from './options.ts';
import type { Described, StepResult, TestSet, Timing, Trainer } from './trainer.ts';
import { initialWeights, type Values } from './weights.ts';

/** The name under which TensorFlow.js's own optimizer takes the place of a backend. */
export const TF_MOMENTUM = 'tf.train.momentum';

/** Options that it has nothing for. */
const MISSING = [
  'weightDecay',
  'excludeFromWeightDecay',
  'schedule',
  'clipnorm',
  'clipvalue',
  'globalClipnorm',
  'useEma',
  'gradientAccumulationSteps',
  'lossScaleFactor',
  'dynamicLossScale',
  'groups',
  'name',
] as const satisfies readonly (keyof Options)[];

/** @throws UsageError when the options ask for what `tf.train.momentum` does not do */
export function checkMomentum(options: Options): void {
  const wanted = MISSING.filter((key) => options[key] !== null && options[key] !== false);
  const off = wanted.map((key) => dashed(key).replace('--', '--no-'));
  if (options.nonFinite !== DEFAULTS.nonFinite) off.push(`--non-finite ${DEFAULTS.nonFinite}`);
  if (off.length > 0) throw new UsageError(`${TF_MOMENTUM} has fewer options: expected ${off.join(' ')} beside it`);
}

/** Trains with `tf.train.momentum`: gradients, momentum and weights all stay on TensorFlow.js's engine. To compare with. */
export class TfTrainer implements Trainer {
  readonly label: string = TF_MOMENTUM;
  readonly timings: Timing[] = [];
  readonly dropped = 0;
  readonly copiesPerStep = 0;
  steps = 0;
  readonly #model: Model;
  readonly #learningRate: number;
  readonly #optimizer: tf.MomentumOptimizer;

  constructor({ model, seed, learningRate, momentum, nesterov }: Options) {
    this.#model = Model.of(initialWeights(model, seed));
    this.#learningRate = learningRate;
    this.#optimizer = tf.train.momentum(learningRate, momentum, nesterov);
  }

  get weights(): Values {
    return this.#model.weights();
  }

  describe(): Described {
    return { class_name: this.#optimizer.getClassName(), config: this.#optimizer.getConfig() };
  }

  step(batch: Batch): Promise<StepResult> {
    const started = performance.now();
    const { loss, correct, gradients } = this.#model.differentiate(batch, 1);
    const differentiated = performance.now();
    const named = Object.entries(gradients).map(([path, tensor]) => ({
      name: this.#model.variables[path]!.name,
      tensor,
    }));
    this.#optimizer.applyGradients(named); // on this engine it returns when the work is done
    tf.dispose(named);
    const updated = performance.now();
    this.steps++;
    this.timings.push({ gradients: differentiated - started, optimizer: updated - differentiated, copies: 0 });
    return Promise.resolve({ loss, correct, learningRate: this.#learningRate, gradientNorm: null });
  }

  accuracy({ images, labels }: TestSet): number {
    return this.#model.correct(images, labels) / labels.length;
  }

  averagedAccuracy(): Promise<null> {
    return Promise.resolve(null);
  }

  finalize(): Promise<boolean> {
    return Promise.resolve(false);
  }

  dispose(): Promise<void> {
    this.#optimizer.dispose();
    this.#model.dispose();
    return Promise.resolve();
  }
}
