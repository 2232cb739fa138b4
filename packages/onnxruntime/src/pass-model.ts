import type { Kernel, Observation, Pass, TracedValue } from '@sgd/core/engine';
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

/** An input that is a number of a kernel. */
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
  /** Inputs that tell about rows. */
  readonly columns: readonly string[];
  /** The tensors of which new values come out, as {@link nextName} calls them. */
  readonly stores: readonly string[];
  /** What else comes out. */
  readonly figures: readonly string[];
}

/** A tensor, and what its new values are. */
export interface Store {
  readonly tensor: string;
  readonly value: TracedValue;
}

/** The output with the new values of a tensor. */
export const nextName = (tensor: string): string => `next.${tensor}`;

/** What a pass writes. */
export const storesOf = ({ tensors }: Kernel, { stores }: Pass): Store[] =>
  stores.map(({ tensor, value }) => ({ tensor: tensors[tensor]!, value }));

/** A model of a pass under construction. All that is one number for the tensor is computed outside, and an input. */
export class PassDraft {
  readonly graph: Graph = newGraph('.');
  readonly target: Target;
  readonly emitter: Emitter;
  readonly #tensors = new Set<string>();
  readonly #numbers = new Map<TracedValue, NumberInput>();
  readonly #columns = new Set<string>();
  readonly #stores: string[] = [];
  readonly #figures: string[] = [];

  constructor(target: Target) {
    this.target = target;
    this.emitter = new Emitter(this.graph, target, {
      like: () => this.tensor('variable'),
      leaf: (value) => {
        if (value.kind === 'tensor') return this.tensor(value.name);
        return value.isWide ? undefined : this.number(value);
      },
    });
  }

  /** An input as long as the piece. */
  tensor(name: string): string {
    if (!this.#tensors.has(name)) this.graph.input(name, this.target.type, this.target.array);
    this.#tensors.add(name);
    return name;
  }

  /** An input that is a number of a kernel. */
  number(value: TracedValue): string {
    let input = this.#numbers.get(value);
    if (input === undefined) {
      const { type, isFactorWide, number } = this.target;
      const isDouble = type === DOUBLE || (isFactorWide && value.kind === 'scalar' && isExactScalar(value.name));
      const name = `number.${this.#numbers.size}`;
      this.graph.input(name, isDouble ? DOUBLE : FLOAT, number(name));
      if (isDouble) this.emitter.ops.widen(name);
      input = { name, value, isDouble };
      this.#numbers.set(value, input);
    }
    return input.name;
  }

  /** An input that tells something about each row. */
  column(name: string): string {
    if (!this.#columns.has(name)) this.graph.input(name, this.target.type, this.target.number(name));
    this.#columns.add(name);
    return name;
  }

  /** Counts the elements of the gradient that are not finite. */
  countBad(): void {
    const { figures, type } = this.target;
    const gradient = this.tensor('gradient');
    figures.count(this.graph, flaws(this.graph, gradient, type), this.#figure(BAD, type));
  }

  sum(sums: readonly TracedValue[]): void {
    const { figures } = this.target;
    sums.forEach((sum, i) => {
      const squared = squaredIn(sum);
      const summed = squared ?? (sum.operands[0] as TracedValue);
      figures.sum(this, summed, squared !== undefined, this.#figure(sumName(i), figures.type));
    });
  }

  store(stores: readonly Store[]): void {
    this.emitter.store(stores.map(({ tensor, value }) => ({ output: nextName(tensor), value })));
    for (const { tensor } of stores) this.giveNext(tensor);
  }

  /** New values come out of a tensor. */
  giveNext(tensor: string): void {
    this.graph.output(nextName(tensor), this.target.type, this.target.array);
    this.#stores.push(tensor);
  }

  observe(observations: readonly Observation<TracedValue>[]): void {
    const { figures } = this.target;
    observations.forEach((observation, i) => {
      figures.observe(this, observation, this.#figure(observedName(i), figures.type));
    });
  }

  finish(): PassModel {
    return {
      bytes: model(this.graph),
      tensors: [...this.#tensors],
      numbers: [...this.#numbers.values()],
      columns: [...this.#columns],
      stores: this.#stores,
      figures: this.#figures,
    };
  }

  #figure(name: string, type: number): string {
    this.graph.output(name, type, this.target.figures.dims);
    this.#figures.push(name);
    return name;
  }
}

const EMPTY: Pass = { sums: [], stores: [], observations: [], wide: [] };

/**
 * The passes of a kernel that a graph is needed for. What is one number for the tensor is no work of a graph on the host.
 *
 * @param countsBad - whether there must be one at least
 */
export function passesOf({ passes }: Kernel, countsBad: boolean, storesNumbers = false): readonly Pass[] {
  const needed = passes.filter(
    ({ sums, stores, observations }) =>
      sums.length > 0 || observations.length > 0 || stores.some(({ value }) => storesNumbers || value.isWide),
  );
  return needed.length === 0 && countsBad ? [EMPTY] : needed;
}
