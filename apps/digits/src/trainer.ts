import * as tf from '@tensorflow/tfjs-core';
import { type Batch, PIXELS } from './batches.ts';
import type { Values } from './weights.ts';

/** What one step gave. The learning rate is the one that the step used. */
export interface StepResult {
  readonly loss: number;
  readonly correct: number;
  readonly learningRate: number;
  /** Norm of the gradients of the last update; `null` before the first one, or where it is not measured. */
  readonly gradientNorm: number | null;
}

/** Milliseconds spent in training steps. */
export interface Timing {
  /** TensorFlow.js: the loss and its gradients. */
  readonly gradients: number;
  /** The call of the optimizer, and the gradient norm that it measured. */
  readonly optimizer: number;
  /** Gradients copied to the backend, new weights copied back; 0 where the backend takes the tensors themselves. */
  readonly copies: number;
}

/** Images to test with, on the engine. */
export interface TestSet {
  readonly images: tf.Tensor2D;
  readonly labels: Uint8Array;
}

/** An optimizer by its class and options. */
export interface Described {
  readonly class_name: string;
  readonly config: object;
}

/** A model and the optimizer that trains it. */
export interface Trainer {
  readonly label: string;
  /** Of each step. */
  readonly timings: readonly Timing[];
  /** Weights after the last step, by path. */
  readonly weights: Values;
  /** Steps taken, accumulating ones included. */
  readonly steps: number;
  /** Arrays and tensors copied at each step between TensorFlow.js, where gradients are computed, and the backend. */
  readonly copiesPerStep: number;
  /** Steps dropped because a gradient was not finite. */
  readonly dropped: number;
  /** The optimizer; one of ours as Keras writes it. */
  describe(): Described;
  /** One batch: gradients at the current weights, then one call of the optimizer. */
  step(batch: Batch): Promise<StepResult>;
  /** Share of the test images that are recognised. */
  accuracy(test: TestSet): number;
  /** The same with the averages in place of the weights, for this moment only; `null` where no averages are kept. */
  averagedAccuracy(test: TestSet): Promise<number | null>;
  /** The weights become their averages; `false` where none are kept. */
  finalize(): Promise<boolean>;
  dispose(): Promise<void>;
}

/** Puts images on the engine; the caller disposes of them. */
export function testSet({ images, labels }: Batch): TestSet {
  return { images: tf.tensor2d(images, [labels.length, PIXELS]), labels };
}
