import type { Tensor, TensorFlow } from './tf.ts';

/** The sum of a tensor's elements on the device: of rows first, since one sum over millions is far off on some engines. */
export function sumOnDevice(tf: TensorFlow, tensor: Tensor): Tensor {
  const { size } = tensor;
  if (size <= 1024) return tf.sum(tensor);
  const flat = tf.reshape(tensor, [size]);
  const width = 2 ** Math.ceil(Math.log2(size) / 2);
  const rows = Math.floor(size / width);
  const rest = size - rows * width;
  const body = rest === 0 ? flat : tf.slice(flat, 0, rows * width);
  const sum = tf.sum(tf.sum(tf.reshape(body, [rows, width]), 1));
  return rest === 0 ? sum : tf.add(sum, tf.sum(tf.slice(flat, rows * width, rest)));
}

/**
 * The sum of scalars on the device. By sevens: more, with the result, are more buffers than a program of webgpu may have, and tfjs does
 * not look.
 */
export function totalOnDevice(tf: TensorFlow, scalars: readonly Tensor[]): Tensor {
  let all = [...scalars];
  while (all.length > 1) {
    const next: Tensor[] = [];
    for (let i = 0; i < all.length; i += 7) next.push(tf.addN(all.slice(i, i + 7)));
    all = next;
  }
  return all[0] ?? tf.scalar(0);
}
