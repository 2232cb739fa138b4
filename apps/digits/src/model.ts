import type { FloatArray, HostTensor } from '@sgd/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Batch, CLASSES, PIXELS } from './batches.ts';
import { mapped, type Values } from './weights.ts';

/** What one batch gives: the mean loss, how many images were recognised, and the gradients of the loss times the scale. */
export interface BatchResult {
  readonly loss: number;
  readonly correct: number;
  /** On the engine, by path; the caller disposes of them. */
  readonly gradients: Values<tf.Tensor>;
}

/** A classifier on TensorFlow.js: it gives predictions and gradients at the current values of its variables, which others update. */
export class Model {
  readonly variables: Values<tf.Variable>;

  /** Takes charge of the variables, by path. */
  constructor(variables: Values<tf.Variable>) {
    this.variables = variables;
  }

  /** A model with variables of its own that hold copies of the weights. */
  static of(weights: Values<HostTensor>): Model {
    const variable = ({ data, shape }: HostTensor): tf.Variable =>
      tf.tidy(() => tf.variable(tf.tensor(data.slice(), [...shape])));
    return new Model(mapped(weights, variable));
  }

  /** Loss (mean cross-entropy) and gradients of `scale * loss`, by automatic differentiation. */
  differentiate(batch: Batch, scale: number): BatchResult {
    const seen: { loss?: tf.Scalar; logits?: tf.Tensor2D } = {};
    const { value, grads } = tf.tidy(() => {
      const images = tf.tensor2d(batch.images, [batch.labels.length, PIXELS]);
      const expected = tf.oneHot(tf.tensor1d(batch.labels, 'int32'), CLASSES);
      const scaledLoss = (): tf.Scalar => {
        seen.logits = tf.keep(this.#logits(images));
        seen.loss = tf.keep(tf.losses.softmaxCrossEntropy(expected, seen.logits) as tf.Scalar);
        return tf.mul<tf.Scalar>(seen.loss, scale);
      };
      return tf.variableGrads(scaledLoss, Object.values(this.variables));
    });
    const { loss, logits } = seen as Required<typeof seen>;
    const result = {
      loss: loss.dataSync()[0] as number,
      correct: matches(logits, batch.labels),
      gradients: mapped(this.variables, ({ name }) => grads[name] as tf.Tensor),
    };
    tf.dispose([loss, logits, value]);
    return result;
  }

  /** Copies of the weights. */
  weights(): Values<Float32Array> {
    return mapped(this.variables, (variable) => variable.dataSync<'float32'>().slice());
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
      for (const [path, variable] of Object.entries(this.variables)) {
        variable.assign(tf.tensor(new Float32Array(values[path] as FloatArray), variable.shape));
      }
    });
  }

  dispose(): void {
    tf.dispose(Object.values(this.variables));
  }

  #logits(images: tf.Tensor2D): tf.Tensor2D {
    const hidden = 'hidden/kernel' in this.variables ? tf.relu(this.#dense(images, 'hidden')) : images;
    return this.#dense(hidden, 'output');
  }

  #dense(x: tf.Tensor2D, layer: string): tf.Tensor2D {
    const kernel = this.variables[`${layer}/kernel`] as tf.Tensor as tf.Tensor2D;
    return tf.add(tf.matMul(x, kernel), this.variables[`${layer}/bias`] as tf.Tensor);
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
