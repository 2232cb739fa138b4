import type { Measure } from '../contract.ts';
import type { TracedValue } from './trace.ts';

/** A figure that the writing pass takes along: `sum((value - minus)^2)`, in float64 and in any order. */
export interface Observation<T> {
  /** Whose square this is part of. */
  readonly measure: Measure;
  readonly value: T;
  /** `null`: 0 */
  readonly minus: T | null;
}

/** What is computed for one variable in one situation. */
export interface KernelOutputs<T> {
  /** By tensor: its new values. All are computed before any is stored. */
  readonly assignments: Readonly<Record<string, T>>;
  /** Numbers for the whole tensor, such as its sum of squares. */
  readonly results?: readonly T[];
  /** Numbers for the whole tensor that are finite only if the gradient is: its norm. */
  readonly norms?: readonly T[];
  readonly observations?: readonly Observation<T>[];
}

/** One way through memory. Passes that sum come first, in the order in which their sums need each other; the last one writes. */
export interface Pass {
  /** Each is a `sum`; what is summed is its operand. */
  readonly sums: readonly TracedValue[];
  /** What is written, by the position of the tensor in {@link Kernel.tensors}. */
  readonly stores: readonly { readonly tensor: number; readonly value: TracedValue }[];
  readonly observations: readonly Observation<TracedValue>[];
  /** Values that differ from element to element, operands first. */
  readonly wide: readonly TracedValue[];
}

/** A traced kernel, ready to be compiled: passes over elements, and numbers between them. */
export interface Kernel {
  /** The tensors that it reads or writes. */
  readonly tensors: readonly string[];
  readonly passes: readonly Pass[];
  /** All values that are one number for the tensor, operands first. */
  readonly numbers: readonly TracedValue[];
  readonly results: readonly TracedValue[];
  readonly norms: readonly TracedValue[];
  /** Of the writing pass, in order. */
  readonly observed: readonly Measure[];
}

/** Every value beneath the given ones, and they themselves, in an order in which they can be computed. */
function beneath(roots: readonly TracedValue[], into = new Set<TracedValue>()): Set<TracedValue> {
  for (const root of roots) {
    if (into.has(root)) continue;
    into.add(root);
    beneath(root.operands, into);
  }
  return into;
}

const inOrder = (values: Iterable<TracedValue>): TracedValue[] => [...values].sort((a, b) => a.id - b.id);

/** Values that a loop computes: what lies beneath a sum was summed by an earlier one. */
function wideBeneath(roots: readonly TracedValue[]): TracedValue[] {
  const found = new Set<TracedValue>();
  const visit = (value: TracedValue): void => {
    if (!value.isWide || found.has(value)) return;
    found.add(value);
    value.operands.forEach(visit);
  };
  roots.forEach(visit);
  return inOrder(found);
}

/**
 * Sorts what a kernel computes into passes over memory. A tensor that keeps its values is dropped.
 *
 * @param outputs - made with one tracer
 */
export function makeKernel(outputs: KernelOutputs<TracedValue>): Kernel {
  const { assignments, results = [], norms = [], observations = [] } = outputs;
  const changed = Object.entries(assignments).filter(([name, value]) => value.kind !== 'tensor' || value.name !== name);
  const written = changed.map(([, value]) => value);
  const observed = observations.flatMap(({ value, minus }) => (minus === null ? [value] : [value, minus]));
  const all = beneath([...written, ...results, ...norms, ...observed]);
  const names = new Set<string>();
  for (const value of inOrder(all)) if (value.kind === 'tensor') names.add(value.name);
  for (const [name] of changed) names.add(name);
  const tensors = [...names];

  const sums: TracedValue[][] = [];
  for (const value of inOrder(all)) if (value.kind === 'sum') (sums[value.level - 1] ??= []).push(value);
  const passes: Pass[] = sums.map((level) => ({
    sums: level,
    stores: [],
    observations: [],
    wide: wideBeneath(level.flatMap((sum) => sum.operands)),
  }));
  if (changed.length > 0 || observations.length > 0) {
    passes.push({
      sums: [],
      stores: changed.map(([name, value]) => ({ tensor: tensors.indexOf(name), value })),
      observations,
      wide: wideBeneath([...written, ...observed]),
    });
  }
  return {
    tensors,
    passes,
    numbers: inOrder(all).filter((value) => !value.isWide),
    results,
    norms,
    observed: observations.map(({ measure }) => measure),
  };
}
