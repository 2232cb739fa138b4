import type { FloatArray, ProgramVariable } from '../contract.ts';
import type { Operation, Ops } from '../rules/rule.ts';
import { numberOps, roundingOf } from './numbers.ts';
import { pairwiseSum } from './pairwise.ts';

/** A tensor of an engine, or a number that stands for a tensor of that number. */
export type TensorOrNumber<T> = T | number;

type Unary<T> = (a: T) => T;
type Binary<T> = (a: TensorOrNumber<T>, b: TensorOrNumber<T>) => T;

/** The operations of {@link Ops} on tensors and numbers, of which at least one is a tensor. */
export interface TensorOperations<T> {
  /** `a + b` */
  readonly add: Binary<T>;
  /** `a - b` */
  readonly sub: Binary<T>;
  /** `a * b` */
  readonly mul: Binary<T>;
  /** `a / b` */
  readonly div: Binary<T>;
  /** The smaller of the two; NaN when either is NaN. */
  readonly min: Binary<T>;
  /** The larger of the two; NaN when either is NaN. */
  readonly max: Binary<T>;
  /** `a` to the power `b`. Left out where the engine does not say that it supports `pow`. */
  readonly pow?: Binary<T>;
  /** `-a` */
  readonly neg: Unary<T>;
  /** `|a|` */
  readonly abs: Unary<T>;
  /** The square root. */
  readonly sqrt: Unary<T>;
  /** 1, -1, or 0; NaN stays NaN. */
  readonly sign: Unary<T>;
  /** `then` where `a > 0`, else `otherwise`, also where `a` is NaN. */
  readonly select: (a: T, then: TensorOrNumber<T>, otherwise: TensorOrNumber<T>) => T;
  /** The sum of the elements: a number, or a tensor of one element that operations take with any other. */
  readonly sum: (a: T) => TensorOrNumber<T>;
}

/** An engine whose tensors never change: what {@link openTensors} makes sessions of. */
export interface TensorEngine<T> {
  /** Each is done element by element, and rounds once to the type of the tensors. */
  readonly operations: TensorOperations<T>;
  /** A tensor with a copy of the values. */
  tensor(values: FloatArray, shape: readonly number[]): T;
  /** A copy of the values, as of the call. The features `measure` and `constraint` need values at once, others take a promise. */
  read(tensor: T): FloatArray | Promise<FloatArray>;
  /** Whether all elements are finite; asked for the feature `finite-check` only. */
  isFinite?(tensor: T): boolean;
  /**
   * The gradients of a step as they are now, in the same order. Asked once a step, before anything is computed.
   *
   * @throws SgdError `SGD_DETACHED`: memory of one is gone
   */
  take?(gradients: readonly T[]): readonly T[];
  /** Called at the end of a step with the new values: a lazy engine computes them, or work would pile up where nobody reads them. */
  finish?(tensors: readonly T[]): void;
  /** Frees what operations or `tensor` made, once each; left out where the garbage collector does. */
  free?(tensor: T): void;
}

/** The operations of a step on a variable; what they make is noted, to be freed. */
export class StepOperations<T> implements Ops<TensorOrNumber<T>> {
  /** Tensors that were made, and belong to nobody yet. */
  readonly made: Set<T> = new Set<T>();
  readonly #engine: TensorEngine<T>;
  readonly #variable: ProgramVariable;
  readonly #numbers: Ops<number>;

  constructor(engine: TensorEngine<T>, variable: ProgramVariable) {
    this.#engine = engine;
    this.#variable = variable;
    this.#numbers = numberOps(variable.dtype);
  }

  /** A tensor of the variable's shape, of one number. */
  fill(value: number): T {
    const { shape, dtype } = this.#variable;
    const size = shape.reduce((product, n) => product * n, 1);
    const values = dtype === 'float64' ? new Float64Array(size) : new Float32Array(size);
    return this.#note(this.#engine.tensor(values.fill(value), shape));
  }

  /** A tensor of its own with the same values. */
  copy(tensor: T): T {
    return this.#note(this.#engine.operations.mul(tensor, 1));
  }

  constant = (value: number): number => this.#numbers.constant(value);
  add = (a: TensorOrNumber<T>, b: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('add', a, b);
  sub = (a: TensorOrNumber<T>, b: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('sub', a, b);
  mul = (a: TensorOrNumber<T>, b: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('mul', a, b);
  div = (a: TensorOrNumber<T>, b: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('div', a, b);
  min = (a: TensorOrNumber<T>, b: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('min', a, b);
  max = (a: TensorOrNumber<T>, b: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('max', a, b);
  pow = (a: TensorOrNumber<T>, b: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('pow', a, b);
  scale = (a: TensorOrNumber<T>, factor: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('mul', a, factor);
  neg = (a: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('neg', a);
  abs = (a: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('abs', a);
  sqrt = (a: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('sqrt', a);
  sign = (a: TensorOrNumber<T>): TensorOrNumber<T> => this.#apply('sign', a);

  select = (a: TensorOrNumber<T>, then: TensorOrNumber<T>, otherwise: TensorOrNumber<T>): TensorOrNumber<T> => {
    if (typeof a === 'number') return a > 0 ? then : otherwise;
    return this.#apply('select', a, then, otherwise);
  };

  sum = (a: TensorOrNumber<T>): TensorOrNumber<T> => {
    const sum = this.#engine.operations.sum(typeof a === 'number' ? this.fill(a) : a);
    return typeof sum === 'number' ? sum : this.#note(sum);
  };

  /** The sum of numbers or of what `sum` gives, in order. */
  total(sums: readonly TensorOrNumber<T>[]): TensorOrNumber<T> {
    if (sums.every((sum) => typeof sum === 'number')) return pairwiseSum(sums, roundingOf(this.#variable.dtype));
    return sums.reduce((total, sum) => this.add(total, sum));
  }

  #apply(kind: Exclude<Operation, 'scale' | 'sum'>, ...operands: TensorOrNumber<T>[]): TensorOrNumber<T> {
    type OfNumbers = (...operands: number[]) => number;
    type OfTensors = (...operands: TensorOrNumber<T>[]) => T;
    if (operands.every((operand) => typeof operand === 'number'))
      return (this.#numbers[kind] as OfNumbers)(...operands);
    return this.#note((this.#engine.operations[kind] as OfTensors)(...operands));
  }

  #note(tensor: T): T {
    this.made.add(tensor);
    return tensor;
  }
}
