import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../src/batches.ts';
import type { Model } from '../src/model.ts';
import { mapped, type Values } from '../src/weights.ts';

/** What one batch gives, with copies of the gradients. */
export function gradientsOf(
  model: Model,
  batch: Batch,
  scale: number,
): { loss: number; correct: number; gradients: Values<Float32Array> } {
  const { gradients, ...figures } = model.differentiate(batch, scale);
  const copies = mapped(gradients, (tensor) => tensor.dataSync<'float32'>().slice());
  tf.dispose(Object.values(gradients));
  return { ...figures, gradients: copies };
}
