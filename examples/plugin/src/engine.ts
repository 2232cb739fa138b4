import type { TensorEngine, Value } from '@sgd/core/engine';
import { numpy as np } from '@jax-js/jax';
import { sizeOf, type Tensor, tensor } from './tensor.ts';

/** Functions of jax-js use up what they are given: one more use of a tensor. */
const use = (value: Value<Tensor>): Tensor => (typeof value === 'number' ? np.array(value) : value.ref);

type Operation = (...operands: Tensor[]) => Tensor;

const operation =
  (of: Operation) =>
  (...operands: Value<Tensor>[]): Tensor =>
    of(...operands.map(use));

/** jax-js as operations on tensors. */
export const engine: TensorEngine<Tensor> = {
  ops: {
    add: operation((a, b) => a!.add(b!)),
    sub: operation((a, b) => a!.sub(b!)),
    mul: operation((a, b) => a!.mul(b!)),
    div: operation((a, b) => np.trueDivide(a!, b!)),
    min: operation((a, b) => np.minimum(a!, b!)),
    max: operation((a, b) => np.maximum(a!, b!)),
    neg: operation((a) => np.negative(a!)),
    abs: operation((a) => np.absolute(a!)),
    sqrt: operation((a) => np.sqrt(a!)),
    sign: operation((a) => np.sign(a!)),
    select: operation((a, b, c) => np.where(np.greater(a!, 0), b!, c!)),
    pow: operation((a, b) => np.power(a!, b!)),
  },
  tensor: (data, shape) => tensor({ data, shape }),
  fill: (shape, value) => np.full([...shape], value, { dtype: np.float32 }),
  read: (t) => (sizeOf(t.shape) === 0 ? new Float32Array() : (t.ref.dataSync() as Float32Array).slice()),
  isFinite: (t) => Boolean(np.all(np.isfinite(t.ref)).item()),
  sum: (t) => t.ref.sum(),
  free: (t) => t.dispose(),
  // jax-js computes what is read. Averages are read at the end of a training: until then the work, and its memory, would pile up
  settle(tensors) {
    const firsts = tensors.map((t) => np.ravel(t.ref).slice(0));
    if (firsts.length > 0) np.stack(firsts).sum().item();
  },
};
