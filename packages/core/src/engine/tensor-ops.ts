import type { DType } from '../contract.ts';
import { numberOps } from './numbers.ts';
import type { Operation, Ops } from '../rules/rule.ts';
import type { TensorEngine, Value } from './tensor-engine.ts';

/** Keeps account of the tensors that a step makes, so that none is left over, whatever happens. */
export class Made<T extends object> {
  readonly #made = new Set<T>();
  readonly #engine: TensorEngine<T>;

  constructor(engine: TensorEngine<T>) {
    this.#engine = engine;
  }

  add(tensor: T): T {
    this.#made.add(tensor);
    return tensor;
  }

  /** Frees what was made here, and nothing else. */
  readonly free = (value: Value<T>): void => {
    if (typeof value === 'object' && this.#made.delete(value)) this.#engine.free?.(value);
  };

  /** Whether a tensor was made here, and is not released yet. */
  has(tensor: T): boolean {
    return this.#made.has(tensor);
  }

  /** Leaves a tensor to somebody else. */
  release(tensor: T): void {
    this.#made.delete(tensor);
  }

  freeAll(): void {
    for (const tensor of this.#made) this.#engine.free?.(tensor);
    this.#made.clear();
  }
}

/** Operations on tensors and numbers: on numbers alone they are computed here, others by the engine. */
export function mixedOps<T extends object>(
  engine: TensorEngine<T>,
  made: Made<T>,
  dtype: DType,
  shape: readonly number[],
): Ops<Value<T>> {
  const numbers = numberOps(dtype);
  const isNumber = (value: Value<T>): value is number => typeof value === 'number';
  const operation =
    (kind: Exclude<Operation, 'sum' | 'scale'>, arity: number) =>
    (...all: Value<T>[]): Value<T> => {
      const operands = all.slice(0, arity);
      if (operands.every(isNumber)) return (numbers[kind] as (...of: number[]) => number)(...(operands as number[]));
      return made.add(engine.ops[kind](...operands));
    };
  const mul = operation('mul', 2);
  const select = operation('select', 3);
  return {
    constant: (value) => numbers.constant(value),
    add: operation('add', 2),
    sub: operation('sub', 2),
    mul,
    div: operation('div', 2),
    min: operation('min', 2),
    max: operation('max', 2),
    neg: operation('neg', 1),
    abs: operation('abs', 1),
    sqrt: operation('sqrt', 1),
    sign: operation('sign', 1),
    select: (a, then, otherwise) => (isNumber(a) ? (a > 0 ? then : otherwise) : select(a, then, otherwise)),
    scale: mul,
    pow: operation('pow', 2),
    sum(a) {
      const sum = engine.sum(isNumber(a) ? made.add(engine.fill(shape, a, dtype)) : a);
      return isNumber(sum) ? sum : made.add(sum);
    },
  };
}
