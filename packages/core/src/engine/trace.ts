import { refuse } from '../errors.ts';
import type { Operation, Ops } from '../rules/rule.ts';
import { shown } from '../shown.ts';

/** A value of a traced kernel: an operation on other values, a number, a scalar of the step, or a tensor. */
export class TracedValue {
  /** What makes the value. */
  readonly kind: 'tensor' | 'scalar' | 'constant' | Operation;
  /** What the operation is done to. */
  readonly operands: readonly TracedValue[];
  /** Of a tensor or scalar. */
  readonly name: string;
  /** Of a constant: not rounded yet. */
  readonly number: number;
  /** Whether it differs from element to element; otherwise it is one number for the whole tensor. */
  readonly isWide: boolean;
  /** How many sums must be known, one after the other, before it is. */
  readonly level: number;
  /** Operands have smaller numbers: by `id` values are in an order in which they can be computed. */
  readonly id: number;

  /** @internal Made by a {@link Tracer}. */
  constructor(
    id: number,
    kind: TracedValue['kind'],
    operands: readonly TracedValue[],
    { name = '', number = NaN }: { readonly name?: string; readonly number?: number } = {},
  ) {
    this.id = id;
    this.kind = kind;
    this.operands = operands;
    this.name = name;
    this.number = number;
    this.isWide = kind === 'tensor' || (kind !== 'sum' && operands.some((value) => value.isWide));
    this.level = Math.max(0, ...operands.map((value) => value.level)) + (kind === 'sum' ? 1 : 0);
  }

  /** A rule that compares, adds or prints a traced value depends on the values, which are not there yet. */
  [Symbol.toPrimitive](): never {
    refuse(
      'SGD_INVALID_OPTION',
      'a rule used a value as a JavaScript number; it is recorded once, before there are values: use the operations (ops.add, ops.select, …)',
    );
  }
}

/** How many operands each operation has. */
const ARITY: Readonly<Record<Operation, number>> = {
  add: 2,
  sub: 2,
  mul: 2,
  div: 2,
  min: 2,
  max: 2,
  neg: 1,
  abs: 1,
  sqrt: 1,
  sign: 1,
  select: 3,
  scale: 2,
  pow: 2,
  sum: 1,
};

/** Every operation that takes values. */
export const OPERATIONS: readonly Operation[] = Object.keys(ARITY) as Operation[];

/** Operations that record what is done: the same operation on the same values is the same value. */
export interface Tracer extends Ops<TracedValue> {
  /** The elements of a tensor. */
  tensor(name: string): TracedValue;
  /** A number of the step, rounded to the kernel's type, except for those that {@link isExactScalar} names. */
  scalar(name: string): TracedValue;
}

/** Whether a scalar keeps float64, whatever the kernel's type: the factor of the global norm may be of two types. */
export function isExactScalar(name: string): boolean {
  return name === 'clipFactor';
}

/** Tells numbers apart that `===` does not: the two zeros, and NaN from all others. */
function keyOfNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Starts an empty record. */
export function makeTracer(): Tracer {
  const known = new Map<string, TracedValue>();
  const record = (
    kind: TracedValue['kind'],
    operands: readonly TracedValue[],
    about?: { readonly name?: string; readonly number?: number },
  ): TracedValue => {
    const suffix = about === undefined ? '' : (about.name ?? keyOfNumber(about.number as number));
    const key = `${kind} ${operands.map((value) => value.id).join()} ${suffix}`;
    let value = known.get(key);
    if (value === undefined) {
      value = new TracedValue(known.size, kind, operands, about);
      known.set(key, value);
    }
    return value;
  };
  const operation =
    (kind: Operation) =>
    (...operands: TracedValue[]): TracedValue => {
      for (let i = 0; i < ARITY[kind]; i++) {
        if (!(operands[i] instanceof TracedValue)) {
          const cure = 'declare slots and scalars, and make numbers with ops.constant';
          refuse(
            'SGD_INVALID_OPTION',
            `ops.${kind}: operand ${i + 1}: expected a value, got ${shown(operands[i])}; ${cure}`,
          );
        }
      }
      return record(kind, operands.slice(0, ARITY[kind]));
    };
  const operations = Object.fromEntries(OPERATIONS.map((kind) => [kind, operation(kind)])) as Record<
    Operation,
    (...operands: TracedValue[]) => TracedValue
  >;
  return {
    ...operations,
    constant(number) {
      if (typeof number !== 'number')
        refuse('SGD_INVALID_OPTION', `ops.constant: expected a number, got ${shown(number)}`);
      return record('constant', [], { number });
    },
    tensor: (name) => record('tensor', [], { name }),
    scalar: (name) => record('scalar', [], { name }),
  };
}
