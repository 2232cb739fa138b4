import type { Measure } from '../contract.ts';
import type { Ops } from '../rules/rule.ts';
import type { StepDefinition } from './step-definition.ts';
import type { Named } from './surround.ts';
import { makeTracer, type TracedValue } from './trace.ts';

/** An operation on values that were computed before it, by their places. */
interface Instruction {
  readonly value: TracedValue;
  readonly operands: readonly number[];
  /** Places of what nothing needs any more afterwards. */
  readonly frees: readonly number[];
}

/** What a plan is computed with. */
export interface Inputs<V> {
  readonly ops: Ops<V>;
  readonly tensors: Named<V>;
  readonly scalars: Named<V>;
  readonly free: (value: V) => void;
}

/** What a step does to a variable in one situation, recorded once: operations in order, those of the norm over all first. */
export class TensorPlan {
  /** The place of the sum of squares for the norm over all; -1 where the variable does not count. */
  readonly squaredNorm: number;
  readonly assignments: readonly { readonly name: string; readonly place: number }[];
  /** Places of the norms that are finite only if the gradient is. */
  readonly norms: readonly number[];
  readonly observations: readonly {
    readonly measure: Measure;
    readonly value: number;
    readonly minus: number | null;
  }[];
  readonly #instructions: readonly Instruction[];
  readonly #ofNorm: number;

  constructor(definition: StepDefinition, index: number, situation: number) {
    const tracer = makeTracer();
    const all = (names: readonly string[], make: (name: string) => TracedValue): Named<TracedValue> =>
      Object.fromEntries(names.map((name) => [name, make(name)]));
    const names = [...definition.tensorsOf(index).map(({ name }) => name), 'gradient'];
    const tensors = all(names, (name) => tracer.tensor(name));
    const scalars = all(definition.scalars.names, (name) => tracer.scalar(name));
    const squares = definition.defineSquaredNorm(index, situation)?.(tracer, tensors, scalars).results?.[0];
    const update = definition.defineUpdate(index, situation)(tracer, tensors, scalars);
    const { norms = [], observations = [] } = update;
    const changed = Object.entries(update.assignments).filter(
      ([name, value]) => value.kind !== 'tensor' || value.name !== name,
    );
    const order = beneath(squares === undefined ? [] : [squares]);
    this.#ofNorm = order.size;
    const observed = observations.flatMap(({ value, minus }) => (minus === null ? [value] : [value, minus]));
    const results = [...changed.map(([, value]) => value), ...norms, ...observed];
    beneath(results, order);
    const places = new Map([...order].map((value, place) => [value, place]));
    const placeOf = (value: TracedValue): number => places.get(value)!;
    this.squaredNorm = squares === undefined ? -1 : placeOf(squares);
    this.assignments = changed.map(([name, value]) => ({ name, place: placeOf(value) }));
    this.norms = norms.map(placeOf);
    this.observations = observations.map(({ measure, value, minus }) => ({
      measure,
      value: placeOf(value),
      minus: minus === null ? null : placeOf(minus),
    }));
    const kept = new Set(squares === undefined ? results : [...results, squares]);
    const lastUses = lastUsesOf(order, kept);
    this.#instructions = [...order].map((value) => ({
      value,
      operands: value.operands.map(placeOf),
      frees: (lastUses.get(value) ?? []).map(placeOf),
    }));
  }

  /** Computes what the norm over all needs, or all that is left, into `values`. */
  compute<V>(part: 'norm' | 'rest', { ops, tensors, scalars, free }: Inputs<V>, values: V[]): void {
    const [from, to] = part === 'norm' ? [0, this.#ofNorm] : [this.#ofNorm, this.#instructions.length];
    for (let place = from; place < to; place++) {
      const { value, operands, frees } = this.#instructions[place]!;
      const { kind, name } = value;
      if (kind === 'tensor') values[place] = tensors[name]!;
      else if (kind === 'scalar') values[place] = scalars[name]!;
      else if (kind === 'constant') values[place] = ops.constant(value.number);
      else {
        const [a = 0, b = 0, c = 0] = operands;
        values[place] = ops[kind](values[a]!, values[b]!, values[c]!);
      }
      for (const each of frees) free(values[each]!);
    }
  }
}

/** Adds the values and all beneath them, operands first. */
function beneath(roots: readonly TracedValue[], into = new Set<TracedValue>()): Set<TracedValue> {
  for (const root of roots) {
    if (into.has(root)) continue;
    beneath(root.operands, into);
    into.add(root);
  }
  return into;
}

/** By operation: what it is the last to need, of what operations make and nobody needs after the step. */
function lastUsesOf(order: Iterable<TracedValue>, results: ReadonlySet<TracedValue>): Map<TracedValue, TracedValue[]> {
  const lastUser = new Map<TracedValue, TracedValue>();
  const kept = new Set(results);
  for (const value of order) {
    const { kind, operands } = value;
    // where one number decides for all elements, the choice is an operand itself
    const isAlias = kind === 'select' && !operands[0]!.isWide;
    for (const operand of operands) {
      lastUser.set(operand, value);
      if (operand.operands.length === 0 || isAlias) kept.add(operand);
    }
  }
  const uses = new Map<TracedValue, TracedValue[]>();
  for (const [operand, user] of lastUser) {
    if (!kept.has(operand)) uses.set(user, [...(uses.get(user) ?? []), operand]);
  }
  return uses;
}
