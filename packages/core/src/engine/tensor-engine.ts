import type { DType, FloatArray, ProgramVariable } from '../contract.ts';
import type { Operation } from '../rules/rule.ts';

/** A tensor, or one number for all elements of one. */
export type Value<T> = T | number;

/** Operations of which at least one operand is a tensor. Each gives a new tensor, rounded once to the type of its tensors. */
export type TensorOperations<T> = {
  readonly [Kind in Exclude<Operation, 'sum' | 'scale'>]: (...operands: Value<T>[]) => T;
};

/** An engine made of operations on immutable tensors, each an object. {@link openTensors} makes every optimizer of it. */
export interface TensorEngine<T extends object> {
  /**
   * Element by element: see `Ops` for what each does. A `sum` that is a tensor of one element is an operand too, and holds for all elements.
   * Numbers are of the type of the tensors already, but for the second factor of `mul`, which may be of a wider one.
   */
  readonly ops: TensorOperations<T>;
  /** A tensor with a copy of the values, of their type. */
  tensor(values: FloatArray, shape: readonly number[]): T;
  /** A tensor of one value. */
  fill(shape: readonly number[], value: number, dtype: DType): T;
  /** A copy of the values as of the call. At once, not as a promise, where the engine supports constraints. */
  read(tensor: T): FloatArray | Promise<FloatArray>;
  /** Whether all elements are finite. */
  isFinite(tensor: T): boolean;
  /** The sum of all elements: a number, or a tensor of one element. */
  sum(tensor: T): Value<T>;
  /** The sum of `(value - minus)^2` in float64; `minus` may be null, for 0. Without it the sum is of the type of the tensors. */
  sumOfSquares?(value: T, minus: T | null): number;
  /** Frees a tensor that the kit made and needs no more. */
  free?(tensor: T): void;
  /**
   * The gradients of a step as it uses them, each looked at once. Throws, before anything is written, when one does not fit its variable any
   * more. By default they are used as they came.
   */
  borrow?(gradients: readonly T[], variables: readonly ProgramVariable[]): readonly T[];
  /** Called after a step with the new tensors: a lazy engine computes them, since nobody may read them for a whole training. */
  settle?(tensors: readonly T[]): void;
}
