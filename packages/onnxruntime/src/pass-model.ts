import type { Kernel, Pass, TracedValue } from '@sgd/core/engine';
import { isExactScalar } from '@sgd/core/engine';
import { Emitter, squaredIn } from './emitter.ts';
import { BAD, type Figures, flaws, observedName, sumName } from './figures.ts';
import type { GraphKind } from './graph-ops.ts';
import { type Dim, DOUBLE, FLOAT, type Graph, model, newGraph } from './onnx.ts';

/** What differs between memory on the host and on a GPU. */
export interface Target extends GraphKind {
  /** The shape of a piece of memory. */
  readonly array: readonly Dim[];
  /** The shape of a number; it may differ from element to element, or from row to row. */
  readonly number: (name: string) => readonly Dim[];
  readonly figures: Figures;
  /** Whether the factor of the norm over all is in float64 beside float32 gradients. */
  readonly isFactorWide: boolean;
}

/** An input that is a number of the kernel. */
export interface NumberInput {
  readonly name: string;
  readonly value: TracedValue;
  readonly isDouble: boolean;
}

/** A model of one pass over a piece of memory. Names with a dot are ours: those of tensors have none. */
export interface PassModel {
  readonly bytes: Uint8Array;
  /** Inputs as long as the piece, by the names of tensors. */
  readonly tensors: readonly string[];
  readonly numbers: readonly NumberInput[];
  /** The tensors of which new values come out, as {@link nextName} calls them. */
  readonly stores: readonly string[];
  /** What else comes out: figures. */
  readonly figures: readonly string[];
}

/** The output with the new values of a tensor. */
export const nextName = (tensor: string): string => `next.${tensor}`;

/** The inputs of a graph, declared when they are first asked for. */
export class Inputs {
  readonly tensors: Set<string> = new Set();
  readonly #numbers = new Map<TracedValue, NumberInput>();
  readonly #graph: Graph;
  readonly #target: Target;

  constructor(graph: Graph, target: Target) {
    this.#graph = graph;
    this.#target = target;
  }

  tensor(name: string): string {
    if (!this.tensors.has(name)) this.#graph.input(name, this.#target.type, this.#target.array);
    this.tensors.add(name);
    return name;
  }

  number(value: TracedValue): NumberInput {
    let input = this.#numbers.get(value);
    if (input === undefined) {
      const { type, isFactorWide, number } = this.#target;
      const isDouble = type === DOUBLE || (isFactorWide && value.kind === 'scalar' && isExactScalar(value.name));
      const name = `number.${this.#numbers.size}`;
      this.#graph.input(name, isDouble ? DOUBLE : FLOAT, number(name));
      input = { name, value, isDouble };
      this.#numbers.set(value, input);
    }
    return input;
  }

  get numbers(): readonly NumberInput[] {
    return [...this.#numbers.values()];
  }
}

/**
 * The model of one pass of a kernel. All that is one number for the tensor is computed outside, and an input.
 *
 * @param countsBad - whether it also counts the elements of the gradient that are not finite
 */
export function passModel({ tensors }: Kernel, pass: Pass, target: Target, countsBad: boolean): PassModel {
  const graph = newGraph('.');
  const inputs = new Inputs(graph, target);
  const emitter: Emitter = new Emitter(graph, target, {
    like: () => inputs.tensor('gradient'),
    leaf(value) {
      if (value.kind === 'tensor') return inputs.tensor(value.name);
      if (value.isWide) return undefined;
      const { name, isDouble } = inputs.number(value);
      if (isDouble) emitter.ops.widen(name);
      return name;
    },
  });
  return finishPass({ graph, inputs, emitter, target }, tensors, pass, countsBad);
}

/** A graph under construction, and what adds to it. */
export interface Draft {
  readonly graph: Graph;
  readonly inputs: Inputs;
  readonly emitter: Emitter;
  readonly target: Target;
}

/** Adds what a pass gives. */
export function finishPass(draft: Draft, tensors: readonly string[], pass: Pass, countsBad: boolean): PassModel {
  const { graph, inputs, emitter, target } = draft;
  const figures: string[] = [];
  const figure = (name: string, type: number): string => {
    graph.output(name, type, target.figures.dims);
    figures.push(name);
    return name;
  };
  if (countsBad)
    target.figures.count(graph, flaws(graph, inputs.tensor('gradient'), target.type), figure(BAD, target.type));
  pass.sums.forEach((sum, i) => {
    const squared = squaredIn(sum);
    const summed = squared ?? (sum.operands[0] as TracedValue);
    emitter.add([summed]);
    target.figures.sum(draft, emitter.wide(summed), squared !== undefined, figure(sumName(i), target.figures.type));
  });
  // what is one number for the tensor is no work of a graph
  const stores = pass.stores
    .filter(({ value }) => value.isWide)
    .map(({ tensor, value }) => ({ output: nextName(tensors[tensor]!), tensor: tensors[tensor]!, value }));
  emitter.store(stores);
  for (const { output } of stores) graph.output(output, target.type, target.array);
  pass.observations.forEach((observation, i) =>
    target.figures.observe(draft, observation, figure(observedName(i), target.figures.type)),
  );
  return {
    bytes: model(graph),
    tensors: [...inputs.tensors],
    numbers: inputs.numbers,
    stores: stores.map(({ tensor }) => tensor),
    figures,
  };
}
