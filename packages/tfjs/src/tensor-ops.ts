import { numberOps, type Ops, pairwiseSum } from '@sgd/core/engine';
import { engineOf, isHosted } from './engines.ts';
import { sumOnDevice } from './sums.ts';
import type { Tensor, TensorFlow } from './tf.ts';

/** A value of a step: a tensor, or a number that is the same for all elements of a variable. */
export type Value = number | Tensor;

type Binary = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'pow';
type Unary = 'neg' | 'abs' | 'sqrt';

const onNumbers = numberOps('float32');

/**
 * The operations of a step in tensors of tfjs, each rounded once to float32 on engines that do. Numbers are computed on the host, and made
 * into tensors where they meet one. On the host a sum is in numpy's pairwise order, and a number; on a device it stays there.
 */
export class TensorOps implements Ops<Value> {
  readonly tf: TensorFlow;
  /** That it is made for. */
  readonly engine: string;
  /** Whether JavaScript reaches the values of the engine. */
  readonly isHosted: boolean;
  /** Elements of the variable under way. */
  size = 1;
  readonly #scalars = new Map<number, Tensor>();

  constructor(tf: TensorFlow) {
    this.tf = tf;
    this.engine = engineOf(tf);
    this.isHosted = isHosted(this.engine);
  }

  /** Frees what was made for numbers. */
  dispose(): void {
    for (const scalar of this.#scalars.values()) scalar.dispose();
    this.#scalars.clear();
  }

  /** A value as a tensor: each number is made into one once a step. */
  tensor(value: Value): Tensor {
    if (typeof value === 'object') return value;
    // a map takes -0 for 0
    if (Object.is(value, -0)) return this.tf.scalar(value);
    let scalar = this.#scalars.get(value);
    if (scalar === undefined) this.#scalars.set(value, (scalar = this.tf.keep(this.tf.scalar(value))));
    return scalar;
  }

  constant = (value: number): Value => onNumbers.constant(value);
  add = (a: Value, b: Value): Value => this.#binary('add', a, b);
  sub = (a: Value, b: Value): Value => this.#binary('sub', a, b);
  mul = (a: Value, b: Value): Value => this.#binary('mul', a, b);
  div = (a: Value, b: Value): Value => this.#binary('div', a, b);
  min = (a: Value, b: Value): Value => this.#binary('min', a, b);
  max = (a: Value, b: Value): Value => this.#binary('max', a, b);
  pow = (a: Value, b: Value): Value => this.#binary('pow', a, b);
  // there is one type only
  scale = (a: Value, factor: Value): Value => this.#binary('mul', a, factor);
  neg = (a: Value): Value => this.#unary('neg', a);
  abs = (a: Value): Value => this.#unary('abs', a);
  sqrt = (a: Value): Value => this.#unary('sqrt', a);

  sign = (a: Value): Value =>
    typeof a === 'number' ? onNumbers.sign(a) : this.select(a, 1, this.select(this.neg(a), -1, a));

  select = (a: Value, then: Value, otherwise: Value): Value => {
    if (typeof a === 'number') return a > 0 ? then : otherwise;
    return this.tf.where(this.tf.greater(a, 0), this.tensor(then), this.tensor(otherwise));
  };

  sum = (a: Value): Value => {
    if (!this.isHosted) return sumOnDevice(this.tf, typeof a === 'object' ? a : this.tf.fill([this.size], a));
    return pairwiseSum(this.#valuesOf(a), Math.fround);
  };

  /** `sum(a * b)` without a tensor for the products, where JavaScript reaches the values. */
  sumOfProducts(a: Value, b: Value): Value {
    if (!this.isHosted) return this.sum(this.mul(a, b));
    const [x, y] = [this.#valuesOf(a), this.#valuesOf(b)];
    const products = new Float32Array(x.length);
    for (let i = 0; i < products.length; i++) products[i] = x[i]! * y[i]!;
    return pairwiseSum(products, Math.fround);
  }

  #valuesOf(a: Value): Float32Array {
    return typeof a === 'object' ? a.dataSync<'float32'>() : new Float32Array(this.size).fill(a);
  }

  #unary(kind: Unary, a: Value): Value {
    return typeof a === 'number' ? onNumbers[kind](a) : this.tf[kind](a);
  }

  #binary(kind: Binary, a: Value, b: Value): Value {
    if (typeof a === 'number' && typeof b === 'number') return onNumbers[kind](a, b);
    const { tf } = this;
    switch (kind) {
      case 'min':
      case 'max':
        return this.#extreme(kind === 'min' ? tf.minimum : tf.maximum, a, b);
      case 'div':
        return this.#quotient(a, b);
      case 'pow':
        return this.#power(a, b);
      default:
        return tf[kind](this.tensor(a), this.tensor(b));
    }
  }

  /** Engines pass on a NaN that comes first; not all of them one that comes second. */
  #extreme(of: (a: Tensor, b: Tensor) => Tensor, a: Value, b: Value): Tensor {
    const [first, second] = typeof a === 'object' ? [a, b] : [b as Tensor, a];
    const extreme = of(first, this.tensor(second));
    if (this.engine === 'cpu' || typeof second === 'number') return extreme;
    return this.tf.where(this.tf.isNaN(second), second, extreme);
  }

  /** The division of webgl makes 1 of two equal operands, infinities and zeros too. */
  #quotient(a: Value, b: Value): Tensor {
    const { tf } = this;
    const isEasy = typeof b === 'number' && Number.isFinite(b) && b !== 0;
    if (this.engine !== 'webgl' || isEasy) return tf.div(this.tensor(a), this.tensor(b));
    return tf.mul(this.tensor(a), tf.div(this.tensor(1), this.tensor(b)));
  }

  /** On the host by JavaScript's power, as the other engines for arrays do. */
  #power(a: Value, b: Value): Tensor {
    const { tf } = this;
    if (!this.isHosted) return tf.pow(this.tensor(a), this.tensor(b));
    const valuesOf = (value: Value): ArrayLike<number> =>
      typeof value === 'object' ? value.dataSync<'float32'>() : [value];
    const [bases, exponents] = [valuesOf(a), valuesOf(b)];
    const { shape, size } = typeof a === 'object' ? a : (b as Tensor);
    const powers = new Float32Array(size);
    for (let i = 0; i < size; i++) powers[i] = bases[i % bases.length]! ** exponents[i % exponents.length]!;
    return tf.tensor(powers, shape, 'float32');
  }
}
