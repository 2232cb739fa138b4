import type { NamedTensorMap, Scalar } from '@tensorflow/tfjs-core';
import type { Tensor, TensorFlowWithOptimizers, Variable } from './tf.ts';

/** The loss, and the gradients of so many times the loss. */
export function gradientsOf(
  tf: TensorFlowWithOptimizers,
  lossOf: () => Scalar,
  variables: Variable[] | undefined,
  scale: number,
): { value: Scalar; grads: NamedTensorMap } {
  if (scale === 1) return tf.variableGrads(lossOf, variables);
  let loss: Tensor | undefined;
  const scaled = (): Scalar => {
    const value = lossOf();
    loss = tf.keep(tf.clone(value));
    return tf.mul(value, scale);
  };
  try {
    const { value, grads } = tf.variableGrads(scaled, variables);
    value.dispose();
    return { value: tf.clone(loss!) as Scalar, grads };
  } finally {
    loss?.dispose();
  }
}
