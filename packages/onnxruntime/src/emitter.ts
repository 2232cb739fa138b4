import type { TracedValue } from '@sgd/core/engine';
import { type GraphKind, GraphOps } from './graph-ops.ts';
import type { Graph } from './onnx.ts';

/** The tensor that stands for a value in a graph, where it is none of the graph's own operations. */
export type Leaf = (value: TracedValue) => string | undefined;

/** What is squared, where a value is a sum of squares. */
export function squaredIn({ kind, operands: [product] }: TracedValue): TracedValue | undefined {
  if (kind !== 'sum' || product?.kind !== 'mul') return undefined;
  const [a, b] = product.operands;
  return a === b ? a : undefined;
}

/** Adds the nodes of recorded values to a graph, each once, in the order in which they were recorded. */
export class Emitter {
  readonly ops: GraphOps;
  readonly #graph: Graph;
  readonly #leaf: Leaf;
  /** A tensor of the variable's shape. */
  readonly #like: () => string;
  readonly #nodes = new Map<TracedValue, string>();

  constructor(graph: Graph, kind: GraphKind, { leaf, like }: { readonly leaf: Leaf; readonly like: () => string }) {
    this.ops = new GraphOps(graph, kind);
    this.#graph = graph;
    this.#leaf = leaf;
    this.#like = like;
  }

  /**
   * Adds the nodes of values and of all beneath them.
   *
   * @param outputs - what values are to be called, where the graph has an operation that gives them
   */
  add(values: readonly TracedValue[], outputs: ReadonlyMap<TracedValue, string> = new Map()): void {
    const wanted = new Set<TracedValue>();
    const visit = (value: TracedValue): void => {
      if (wanted.has(value) || this.#nodes.has(value)) return;
      const leaf = this.#leaf(value);
      if (leaf !== undefined) {
        this.#nodes.set(value, leaf);
        return;
      }
      wanted.add(value);
      const squared = squaredIn(value);
      if (squared === undefined) value.operands.forEach(visit);
      else visit(squared);
    };
    values.forEach(visit);
    for (const value of [...wanted].sort((a, b) => a.id - b.id)) {
      this.#nodes.set(value, this.#operation(value, outputs.get(value) ?? ''));
    }
  }

  /** A tensor that stands for a value. */
  define(value: TracedValue, node: string): void {
    this.#nodes.set(value, node);
  }

  /** The tensor of a value that was added. */
  nodeOf(value: TracedValue): string {
    return this.#nodes.get(value)!;
  }

  /** Adds values, and has the graph give them as tensors of the variable's shape. */
  store(stores: readonly { readonly output: string; readonly value: TracedValue }[]): void {
    const outputs = new Map<TracedValue, string>();
    for (const { output, value } of stores) if (value.isWide && !outputs.has(value)) outputs.set(value, output);
    const values = stores.map(({ value }) => value);
    this.add(values, outputs);
    for (const { output, value } of stores) {
      if (!value.isWide) this.#expand(value, output);
      else if (this.nodeOf(value) !== output) this.#graph.node('Identity', [this.nodeOf(value)], { output });
    }
  }

  /** Adds a sum that is not rounded yet. */
  wideSum(sum: TracedValue): string {
    const squared = squaredIn(sum);
    const summed = squared ?? (sum.operands[0] as TracedValue);
    this.add([summed]);
    return this.ops.wideSum(this.wide(summed), squared !== undefined);
  }

  /** A value as a tensor of the variable's shape. */
  wide(value: TracedValue): string {
    return value.isWide ? this.nodeOf(value) : this.#expand(value);
  }

  #expand(value: TracedValue, output?: string): string {
    const { node } = this.#graph;
    const inputs = [this.nodeOf(value), node('Shape', [this.#like()])];
    return node('Expand', inputs, output === undefined ? {} : { output });
  }

  #operation(value: TracedValue, output: string): string {
    const { kind, number, operands } = value;
    if (kind === 'constant') return this.ops.constant(number);
    if (kind === 'tensor' || kind === 'scalar') throw new TypeError(`the graph has no ${kind} ${value.name}`);
    const squared = squaredIn(value);
    const [a = '', b = '', c = ''] =
      squared === undefined
        ? operands.map((operand) => (kind === 'sum' ? this.wide(operand) : this.nodeOf(operand)))
        : [this.wide(squared)];
    this.ops.name(output);
    return squared === undefined ? this.ops[kind](a, b, c) : this.ops.sumOfSquares(a);
  }
}
