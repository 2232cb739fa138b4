import type { Observation, TracedValue } from '@sgd/core/engine';
import { valuesOf } from './graph-ops.ts';
import { type Dim, DOUBLE, FLOAT, type Graph } from './onnx.ts';
import type { PassDraft } from './pass-model.ts';

/** The output that counts elements which are not finite. */
export const BAD = 'bad.';

/** The output of a sum of a pass. */
export const sumName = (index: number): string => `sum.${index}`;

/** The output of an observation of a pass. */
export const observedName = (index: number): string => `observed.${index}`;

/** Numbers that a pass takes of its values. */
export interface Figures {
  /** Of one for all elements, or one for each row. */
  readonly dims: readonly Dim[];
  readonly type: number;
  /** Adds the sum of a tensor in its own type. */
  count(graph: Graph, tensor: string, output: string): void;
  /** Adds `sum(value)`, or `sum(value * value)`. */
  sum(draft: PassDraft, value: TracedValue, isSquared: boolean, output: string): void;
  /** Adds `sum((value - minus) ** 2)`. */
  observe(draft: PassDraft, observation: Observation<TracedValue>, output: string): void;
}

/** Sums over all elements, in float64: they neither overflow nor lose what is small beside what is large. */
export const wholeFigures: Figures = {
  dims: [],
  type: DOUBLE,
  count({ node }, tensor, output) {
    node('ReduceSum', [tensor], { attributes: { keepdims: 0 }, output });
  },
  sum({ emitter }, value, isSquared, output) {
    emitter.add([value]);
    emitter.ops.wideSum(emitter.wide(value), isSquared, output);
  },
  observe({ graph, emitter }, { value, minus }, output) {
    emitter.add(minus === null ? [value] : [value, minus]);
    const doubleOf = (of: TracedValue): string => emitter.ops.double(emitter.wide(of));
    const difference = minus === null ? doubleOf(value) : graph.node('Sub', [doubleOf(value), doubleOf(minus)]);
    graph.node('ReduceSumSquare', [difference], { attributes: { keepdims: 0 }, output });
  },
};

const LARGEST: Readonly<Record<number, number>> = { [FLOAT]: 3.4028234663852886e38, [DOUBLE]: Number.MAX_VALUE };

/** Adds, for each element, 0 or, where it is not finite, 1. By magnitude: compilers for GPUs fold `x !== x`. */
export function flaws(graph: Graph, value: string, type: number): string {
  const [one, zero, largest] = [1, 0, LARGEST[type]!].map((number) =>
    graph.constant(type, [1], valuesOf(type, number)),
  );
  return graph.node('Where', [graph.node('LessOrEqual', [graph.node('Abs', [value]), largest!]), zero!, one!]);
}
