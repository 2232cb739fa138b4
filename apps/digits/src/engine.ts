import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm'; // registers the engine
import '@tensorflow/tfjs-layers'; // registers the gradients of all operations, which tfjs-core leaves out

/** The engine of TensorFlow.js that computes gradients. */
const ENGINE = 'wasm';

let started: Promise<void> | undefined;

/**
 * Starts TensorFlow.js on its WebAssembly engine (one thread under Node), once.
 * The same machine gives the same bits in every run; another processor may not.
 */
export function startEngine(): Promise<void> {
  started ??= start();
  return started;
}

/** Where gradients are computed, as `--backend` names the backend that takes them there. */
export function gradientsIn(): string {
  return `tfjs:${tf.getBackend()}`;
}

async function start(): Promise<void> {
  tf.enableProdMode();
  if (!(await tf.setBackend(ENGINE))) throw new Error(`TensorFlow.js could not start its ${ENGINE} engine`);
  await tf.ready();
  transposeBeforeProducts();
}

/**
 * The engine multiplies transposed matrices in a plain loop, 8 times slower than the kernel that it has for others. The gradient of a
 * dense layer is such a product. Transposing first makes a whole training step 3 times faster.
 */
function transposeBeforeProducts(): void {
  const product = tf.getKernel('BatchMatMul', ENGINE);
  const transpose = tf.getKernel('Transpose', ENGINE);
  const transposed = (x: tf.TensorInfo, backend: object): tf.TensorInfo => {
    const perm = x.shape.map((_, axis) => axis);
    perm.push(...perm.splice(-2).reverse());
    return transpose.kernelFunc({ inputs: { x }, attrs: { perm }, backend }) as tf.TensorInfo;
  };
  const kernelFunc: tf.KernelFunc = ({ inputs, attrs, backend: engine }) => {
    const backend = engine as tf.KernelBackend;
    const a = attrs?.['transposeA'] ? transposed(inputs['a'] as tf.TensorInfo, backend) : undefined;
    const b = attrs?.['transposeB'] ? transposed(inputs['b'] as tf.TensorInfo, backend) : undefined;
    const result = product.kernelFunc({
      inputs: { a: a ?? inputs['a'], b: b ?? inputs['b'] },
      attrs: { ...attrs, transposeA: false, transposeB: false },
      backend,
    });
    for (const used of [a, b]) if (used) backend.disposeData(used.dataId);
    return result;
  };
  tf.unregisterKernel('BatchMatMul', ENGINE);
  tf.registerKernel({ ...product, kernelFunc });
}
