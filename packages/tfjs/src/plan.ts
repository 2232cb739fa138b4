import type { Measure } from '@sgd/core';
import type { StepDefinition, TracedValue } from '@sgd/core/engine';
import { record } from './recorded.ts';
import { tensorOf } from './state.ts';
import type { Job } from './step.ts';
import type { Value } from './tensor-ops.ts';

/** An operation on values that were computed before it, by their places. */
interface Operation {
  readonly value: TracedValue;
  readonly operands: readonly number[];
  /** Whether the operands are those of the product that is summed. */
  readonly sumsProduct: boolean;
  /** Places of tensors that nothing needs any more afterwards. */
  readonly frees: readonly number[];
}

/** A new value. */
export interface Assignment {
  readonly name: string;
  readonly place: number;
  /** Whether somebody else holds it: the caller, as the gradient, or another place of the variable. */
  readonly isShared: boolean;
}

/** What a step does to a variable in one situation, recorded once: operations in order, those of the norm over all first. */
export class Plan {
  readonly #operations: readonly Operation[];
  readonly #ofNorm: number;
  /** The place of the sum of squares for the norm over all; -1 where the variable does not count. */
  readonly squaredNorm: number;
  readonly assignments: readonly Assignment[];
  /** Places of the norms that are finite only if the gradient is. */
  readonly norms: readonly number[];
  readonly observations: readonly {
    readonly measure: Measure;
    readonly value: number;
    readonly minus: number | null;
  }[];

  constructor(definition: StepDefinition, index: number, situation: number) {
    const { squaredNorm, assignments, norms, observations } = record(definition, index, situation);
    const order = beneath(squaredNorm === undefined ? [] : [squaredNorm]);
    this.#ofNorm = order.size;
    const observed = observations.flatMap(({ value, minus }) => (minus === null ? [value] : [value, minus]));
    const results = [...assignments.map(([, value]) => value), ...norms, ...observed];
    beneath(results, order);
    const places = new Map([...order].map((value, place) => [value, place]));
    const placeOf = (value: TracedValue): number => places.get(value)!;
    this.squaredNorm = squaredNorm === undefined ? -1 : placeOf(squaredNorm);
    this.assignments = assignments.map(([name, value], i) => ({
      name,
      place: placeOf(value),
      isShared: value.kind === 'tensor' || assignments.findIndex(([, other]) => other === value) < i,
    }));
    this.norms = norms.map(placeOf);
    this.observations = observations.map(({ measure, value, minus }) => ({
      measure,
      value: placeOf(value),
      minus: minus === null ? null : placeOf(minus),
    }));
    this.#operations = operationsOf([...order], new Set(results), placeOf);
  }

  /** Computes what the norm over all needs, or all that is left, into `values`. */
  compute(part: 'norm' | 'rest', { state, index, ops, scalars, gradient }: Job, values: Value[]): void {
    const [from, to] = part === 'norm' ? [0, this.#ofNorm] : [this.#ofNorm, this.#operations.length];
    for (let place = from; place < to; place++) {
      const { value, operands, sumsProduct, frees } = this.#operations[place]!;
      const { kind, name } = value;
      if (kind === 'tensor') values[place] = name === 'gradient' ? gradient! : tensorOf(state, name, index)!;
      else if (kind === 'scalar') values[place] = scalars[name]!;
      else if (kind === 'constant') values[place] = ops.constant(value.number);
      else {
        const [a = 0, b = 0, c = 0] = operands;
        values[place] = sumsProduct
          ? ops.sumOfProducts(values[a]!, values[b]!)
          : ops[kind](values[a]!, values[b]!, values[c]!);
      }
      for (const free of frees) {
        const tensor = values[free]!;
        if (typeof tensor === 'object') tensor.dispose();
      }
    }
  }
}

/** Adds the values and all beneath them, operands first. */
function beneath(roots: readonly TracedValue[], into = new Set<TracedValue>()): Set<TracedValue> {
  for (const root of roots) {
    if (into.has(root)) continue;
    beneath(operandsOf(root), into);
    into.add(root);
  }
  return into;
}

/** Of a sum of products, the factors. */
function operandsOf({ kind, operands }: TracedValue): readonly TracedValue[] {
  const [first] = operands;
  return kind === 'sum' && first?.kind === 'mul' ? first.operands : operands;
}

function operationsOf(
  order: readonly TracedValue[],
  results: ReadonlySet<TracedValue>,
  placeOf: (value: TracedValue) => number,
): Operation[] {
  const lastUses = lastUsesOf(order, results);
  return order.map((value) => ({
    value,
    operands: operandsOf(value).map(placeOf),
    sumsProduct: operandsOf(value) !== value.operands,
    frees: (lastUses.get(value) ?? []).map(placeOf),
  }));
}

/** By operation: what it is the last to need, of what operations make and is no result. */
function lastUsesOf(order: readonly TracedValue[], results: ReadonlySet<TracedValue>): Map<TracedValue, TracedValue[]> {
  const lastUser = new Map<TracedValue, TracedValue>();
  const kept = new Set(results);
  for (const value of order) {
    const { kind } = value;
    const operands = operandsOf(value);
    for (const operand of operands) {
      lastUser.set(operand, value);
      const isMade = operand.operands.length > 0;
      // where one number decides for all elements, the choice is an operand itself
      const isAlias = kind === 'select' && !(operands[0] as TracedValue).isWide;
      if (!isMade || isAlias) kept.add(operand);
    }
  }
  const uses = new Map<TracedValue, TracedValue[]>();
  for (const [operand, user] of lastUser) {
    if (!kept.has(operand)) uses.set(user, [...(uses.get(user) ?? []), operand]);
  }
  return uses;
}
