import type { TracedValue } from '@sgd/core/engine';
import { ROW } from './arena.ts';
import type { Figures } from './figures.ts';
import { FLOAT, type Graph, INT64 } from './onnx.ts';
import type { PassDraft } from './pass-model.ts';

/** The column with the number of elements of each row that belong to a variable. */
export const LENGTHS = 'lengths.';

const axesOf = ({ constant }: Graph): string => constant(INT64, [1], BigInt64Array.of(1n));

/** Adds the sum of each row, as a column or as a list. */
export function sumRows(
  graph: Graph,
  tensor: string,
  { keepdims = 0, output }: { keepdims?: number; output?: string },
): string {
  const options = { attributes: { keepdims }, ...(output === undefined ? {} : { output }) };
  return graph.node('ReduceSum', [tensor, axesOf(graph)], options);
}

/** Whether a value is 0 behind the end of variables: gradients and their accumulators are. */
function isZeroInPadding({ kind, name, operands }: TracedValue): boolean {
  switch (kind) {
    case 'tensor':
      return name === 'gradient' || name === 'gradient_accumulator';
    case 'add':
    case 'sub':
      return operands.every(isZeroInPadding);
    case 'div':
      return isZeroInPadding(operands[0]!) && !operands[1]!.isWide;
    default:
      return false;
  }
}

/** Adds a tensor that is 0 behind the end of variables. */
function withoutPadding(draft: PassDraft, tensor: string): string {
  const { graph, emitter } = draft;
  const places = graph.constant(
    FLOAT,
    [1, ROW],
    Float32Array.from({ length: ROW }, (_, i) => i),
  );
  return graph.node('Where', [graph.node('Less', [places, draft.column(LENGTHS)]), tensor, emitter.ops.constant(0)]);
}

/** Sums over rows in float32: there is no float64 on a GPU, and each row belongs to one variable. */
export const rowFigures: Figures = {
  dims: ['n'],
  type: FLOAT,
  count(graph, tensor, output) {
    sumRows(graph, tensor, { output });
  },
  sum(draft, value, isSquared, output) {
    const { graph, emitter } = draft;
    emitter.add([value]);
    const wide = emitter.wide(value);
    const summed = isZeroInPadding(value) ? wide : withoutPadding(draft, wide);
    sumRows(graph, isSquared ? graph.node('Mul', [summed, summed]) : summed, { output });
  },
  observe(draft, { value, minus }, output) {
    const { graph, emitter } = draft;
    emitter.add(minus === null ? [value] : [value, minus]);
    const wide = emitter.wide(value);
    const difference = minus === null ? wide : graph.node('Sub', [wide, emitter.wide(minus)]);
    const observed = minus === null && isZeroInPadding(value) ? difference : withoutPadding(draft, difference);
    sumRows(graph, graph.node('Mul', [observed, observed]), { output });
  },
};
