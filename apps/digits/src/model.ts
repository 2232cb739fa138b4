import type { FloatArray, HostTensor } from '@sgd/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Batch, CLASSES, PIXELS } from './batches.ts';
import type { Values } from './weights.ts';

/** What one batch gives: the mean loss, how many images were recognised, and the gradients of the loss times the scale. */
export interface BatchResult {
  readonly loss: number;
  readonly correct: number;
  readonly gradients: Values<Float32Array>;
}

/** A classifier on TensorFlow.js: it gives predictions and gradients, and takes new weights. It never updates itself. */
export class Model {
  readonly #variables: ReadonlyMap<string, tf.Variable>;

  constructor(weights: Values<HostTensor>) {
    this.#variables = new Map(
      Object.entries(weights).map(([path, { data, shape }]) => [
        path,
        tf.tidy(() => tf.variable(tf.tensor(data.slice(), [...shape]))),
      ]),
    );
  }

  /** Loss (mean cross-entropy) and gradients of `scale * loss`, by automatic differentiation. All are copies on the host. */
  gradients(batch: Batch, scale: number): BatchResult {
    const { loss, correct, gradients } = this.differentiate(batch, scale);
    const result = { loss, correct, gradients: this.#copies((variable) => gradients[variable.name] as tf.Tensor) };
    tf.dispose(gradients);
    return result;
  }

  /** The same with the gradients left on the engine, by the names of the variables; the caller disposes of them. */
  differentiate(batch: Batch, scale: number): Omit<BatchResult, 'gradients'> & { gradients: tf.NamedTensorMap } {
    const seen: { loss?: tf.Scalar; logits?: tf.Tensor2D } = {};
    const { value, grads } = tf.tidy(() => {
      const images = tf.tensor2d(batch.images, [batch.labels.length, PIXELS]);
      const expected = tf.oneHot(tf.tensor1d(batch.labels, 'int32'), CLASSES);
      const scaledLoss = (): tf.Scalar => {
        seen.logits = tf.keep(this.#logits(images));
        seen.loss = tf.keep(tf.losses.softmaxCrossEntropy(expected, seen.logits) as tf.Scalar);
        return tf.mul<tf.Scalar>(seen.loss, scale);
      };
      return tf.variableGrads(scaledLoss, [...this.#variables.values()]);
    });
    const { loss, logits } = seen as Required<typeof seen>;
    const result = {
      loss: loss.dataSync()[0] as number,
      correct: matches(logits, batch.labels),
      gradients: grads,
    };
    tf.dispose([loss, logits, value]);
    return result;
  }

  /** Copies of the weights. */
  weights(): Values<Float32Array> {
    return this.#copies((variable) => variable);
  }

  shape(path: string): readonly number[] {
    return (this.#variables.get(path) as tf.Variable).shape;
  }

  /** How many images of the batch the weights recognise. */
  correct(images: tf.Tensor2D, labels: Uint8Array): number {
    const logits = tf.tidy(() => this.#logits(images));
    const count = matches(logits, labels);
    logits.dispose();
    return count;
  }

  /**
   * Takes new values, as float32. Each variable gets a new buffer: the engine keeps packed copies of a matrix for as long as
   * its buffer lives, so values written in place would not reach every product.
   */
  assign(values: Values): void {
    tf.tidy(() => {
      for (const [path, variable] of this.#variables) {
        variable.assign(tf.tensor(Float32Array.from(values[path] as FloatArray), variable.shape));
      }
    });
  }

  dispose(): void {
    for (const variable of this.#variables.values()) variable.dispose();
  }

  #logits(images: tf.Tensor2D): tf.Tensor2D {
    const hidden = this.#variables.has('hidden/kernel') ? tf.relu(this.#dense(images, 'hidden')) : images;
    return this.#dense(hidden, 'output');
  }

  #dense(x: tf.Tensor2D, layer: string): tf.Tensor2D {
    const kernel = this.#variables.get(`${layer}/kernel`) as tf.Tensor as tf.Tensor2D;
    return tf.add(tf.matMul(x, kernel), this.#variables.get(`${layer}/bias`) as tf.Tensor);
  }

  #copies(tensor: (variable: tf.Variable) => tf.Tensor): Record<string, Float32Array> {
    const copy = (variable: tf.Variable): Float32Array => Float32Array.from(tensor(variable).dataSync<'float32'>());
    return Object.fromEntries([...this.#variables].map(([path, variable]) => [path, copy(variable)]));
  }
}

function matches(logits: tf.Tensor2D, labels: Uint8Array): number {
  const values = logits.dataSync();
  let count = 0;
  for (let row = 0; row < labels.length; row++) {
    let best = row * CLASSES;
    for (let i = best + 1; i < (row + 1) * CLASSES; i++) if ((values[i] as number) > (values[best] as number)) best = i;
    if (best - row * CLASSES === labels[row]) count++;
  }
  return count;
}
