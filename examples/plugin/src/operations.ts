import type { TensorEngine, TensorOrNumber } from '@sgd/core/engine';
import { numpy as np } from '@jax-js/jax';
import { type Tensor, tensor } from './tensor.ts';

/** Functions of jax-js consume what they are given: a reference more leaves it to us. */
const kept = (value: TensorOrNumber<Tensor>): TensorOrNumber<Tensor> => (typeof value === 'number' ? value : value.ref);

const binary =
  (f: (a: TensorOrNumber<Tensor>, b: TensorOrNumber<Tensor>) => Tensor) =>
  (a: TensorOrNumber<Tensor>, b: TensorOrNumber<Tensor>): Tensor =>
    f(kept(a), kept(b));

/** The operations of jax-js, from which `openTensors` makes every optimizer and option. */
export const operations: TensorEngine<Tensor> = {
  operations: {
    add: binary(np.add),
    sub: binary(np.subtract),
    mul: binary(np.multiply),
    div: binary(np.trueDivide),
    min: binary(np.minimum),
    max: binary(np.maximum),
    neg: (a) => np.negative(a.ref),
    abs: (a) => np.abs(a.ref),
    sqrt: (a) => np.sqrt(a.ref),
    sign: (a) => np.sign(a.ref),
    select: (a, then, otherwise) => np.where(np.greater(a.ref, 0), kept(then), kept(otherwise)),
    sum: (a) => a.ref.sum(),
  },
  tensor: (values, shape) => tensor({ data: Float32Array.from(values), shape }),
  read: (array) => array.ref.data() as Promise<Float32Array>,
  isFinite: (array) => Boolean(np.all(np.isfinite(array.ref)).item()),
  // jax-js computes what is read. Averages are read at the end of a training: until then the work, and its memory, would pile up
  finish(tensors) {
    const firsts = tensors.map((array) => np.ravel(array.ref).slice(0));
    if (firsts.length > 0) np.stack(firsts).sum().item();
  },
  free: (array) => array.dispose(),
};
