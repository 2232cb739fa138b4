import type { DType, Program, Slot } from '@sgd/core';
import type { Kernel, StepDefinition, TracedValue } from '@sgd/core/engine';
import { Emitter } from './emitter.ts';
import { flaws } from './figures.ts';
import type { GraphKind } from './graph-ops.ts';
import { DOUBLE, FLOAT, type Graph, INT64, newGraph } from './onnx.ts';
import type { Parsed } from './parse.ts';
import { freeName, inputName, statesOf, wantFree } from './tail-names.ts';

/** A parameter of a model, and where its gradient comes out. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly gradient: string;
}

/** What is appended to a model, by names. */
export interface Tail {
  readonly graph: Graph;
  /** Numbers of the step that the update reads. */
  readonly numbers: readonly StepNumber[];
  /** The state: what is fed, and what takes its place. */
  readonly states: readonly State[];
  /** How many elements and norms are not finite, if that is looked for. */
  readonly bad: string | null;
}

/** A number of the step as an input. */
export interface StepNumber {
  /** As `StepScalars` names it; or `update`, which is 1 in steps that update, and 0 in those that accumulate. */
  readonly name: string;
  readonly input: string;
  /** Whether it is the number `update`. */
  readonly isPhase: boolean;
}

/** A tensor that a run replaces. */
export interface State {
  readonly slot: Slot;
  readonly parameter: number;
  /** What all elements of a slot are at first. */
  readonly initial: number;
  readonly input: string;
  readonly output: string;
}

/** What a tail is made of. */
export interface TailSettings {
  readonly program: Program;
  readonly definition: StepDefinition;
  readonly parameters: readonly Parameter[];
  readonly parsed: Parsed;
  readonly onGpu: boolean;
}

/**
 * The update of all parameters, to be put behind a graph that gives their gradients. One run of it accumulates or updates, as the number
 * `update` says, so that one model does for both.
 *
 * @throws SgdError `SGD_INVALID_OPTION`: the model has a tensor of a name that the update needs
 */
export function newTail(settings: TailSettings): Tail {
  const tail = new TailDraft(settings).finish();
  wantFree(tail, settings.parameters, settings.parsed);
  return tail;
}

/** What a step does to each parameter, recorded. */
interface Kernels {
  readonly squares: readonly (Kernel | null)[];
  readonly updates: readonly Kernel[];
  /** None where nothing is accumulated. */
  readonly accumulations: readonly Kernel[];
}

function recordKernels({ program, definition, parameters }: TailSettings): Kernels {
  const situationOf = (phase: 'accumulate' | 'update'): number =>
    definition.situations.keyOf({ phase, ordinary: true, averageOverwrite: false }, true);
  const record = (situation: number): Kernel[] => parameters.map((_, index) => definition.update(index, situation));
  const update = situationOf('update');
  return {
    squares: parameters.map((_, index) => definition.squaredNorm(index, update)),
    updates: record(update),
    accumulations: program.accumulates ? record(situationOf('accumulate')) : [],
  };
}

/** What a kernel writes, by tensor. */
const storesOf = ({ passes, tensors }: Kernel): Map<string, TracedValue> =>
  new Map(passes.flatMap(({ stores }) => stores.map(({ tensor, value }) => [tensors[tensor]!, value])));

class TailDraft {
  readonly #settings: TailSettings;
  readonly #graph = newGraph('sgd.');
  readonly #kind: GraphKind;
  readonly #numbers = new Map<string, StepNumber>();
  readonly #states: readonly State[];
  /** By parameter: tensors by name. */
  readonly #tensors: readonly Readonly<Record<string, string>>[];
  readonly #phase: string;
  readonly #kernels: Kernels;
  #clipFactor = '';

  constructor(settings: TailSettings) {
    const { definition, parameters, onGpu } = settings;
    this.#settings = settings;
    this.#kind = { type: parameters[0]!.dtype === 'float64' ? DOUBLE : FLOAT, onGpu };
    this.#phase = freeName(definition.scalars.names, 'update');
    this.#kernels = recordKernels(settings);
    this.#states = statesOf(definition, parameters);
    this.#tensors = parameters.map(({ gradient, shape }, i) => {
      const dims = this.#graph.constant(INT64, [shape.length], BigInt64Array.from(shape, BigInt));
      const tensors: Record<string, string> = { gradient: this.#graph.node('Reshape', [gradient, dims]) };
      for (const { slot, input } of this.#statesOf(i)) tensors[slot] = input;
      return tensors;
    });
  }

  finish(): Tail {
    const { program, definition, parameters, parsed } = this.#settings;
    const graph = this.#graph;
    const { type } = this.#kind;
    const bad = program.finiteCheck ? this.#tensors.map(({ gradient }) => this.#countFlaws(gradient!)) : [];
    const norms = [...this.#clipGlobally(), ...parameters.flatMap((_, index) => this.#update(index))];
    if (program.finiteCheck) bad.push(...norms.map((norm) => this.#flawOfUpdate(norm)));
    for (const { input, output, parameter } of this.#states) {
      const { shape } = parameters[parameter]!;
      if (!parsed.inputs.has(input)) graph.input(input, type, shape);
      graph.output(output, type, shape);
    }
    const numbers = [...this.#numbers.values()];
    for (const { input } of numbers) graph.input(input, type, []);
    const tail = { graph, numbers, states: this.#states };
    if (!program.finiteCheck) return { ...tail, bad: null };
    const output = graph.node('Sum', bad, { output: inputName(freeName(definition.scalars.names, 'notFinite')) });
    graph.output(output, type, []);
    return { ...tail, bad: output };
  }

  #statesOf(index: number): readonly State[] {
    return this.#states.filter(({ parameter }) => parameter === index);
  }

  #number(name: string): string {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = { name, input: inputName(name), isPhase: name === this.#phase };
      this.#numbers.set(name, number);
    }
    return number.input;
  }

  #emitter(index: number): Emitter {
    const tensors = this.#tensors[index]!;
    return new Emitter(this.#graph, this.#kind, {
      like: () => tensors['variable']!,
      leaf: ({ kind, name }) => {
        if (kind === 'tensor') return tensors[name];
        if (kind !== 'scalar') return undefined;
        return name === 'clipFactor' ? this.#clipFactor : this.#number(name);
      },
    });
  }

  /** Adds the factor of the norm over all. Returns the norm. */
  #clipGlobally(): readonly string[] {
    const { definition, onGpu } = this.#settings;
    if (!definition.hasGlobalNorm) return [];
    const graph = this.#graph;
    const { type } = this.#kind;
    const sums = this.#kernels.squares.map((kernel, index) => this.#emitter(index).wideSum(kernel!.results[0]!));
    const total = graph.node('Sum', sums);
    const squares = onGpu || type === DOUBLE ? total : graph.node('Cast', [total], { attributes: { to: type } });
    const { norms, results } = definition.clipFactor();
    const emitter = new Emitter(graph, this.#kind, {
      like: () => squares,
      leaf: ({ kind, name }) => {
        if (kind === 'scalar') return this.#number(name);
        return kind === 'sum' ? squares : undefined;
      },
    });
    emitter.add([...results, ...norms]);
    this.#clipFactor = emitter.nodeOf(results[0]!);
    return norms.map((norm) => emitter.nodeOf(norm));
  }

  /** Adds the new state of a parameter. Returns the norms that are finite only if the gradient is. */
  #update(index: number): readonly string[] {
    const { norms } = this.#kernels.updates[index]!;
    const accumulation = this.#kernels.accumulations[index];
    const update = storesOf(this.#kernels.updates[index]!);
    const emitter = this.#emitter(index);
    emitter.add(norms);
    if (accumulation === undefined) this.#store(emitter, index, update);
    else this.#choose(emitter, index, update, storesOf(accumulation));
    return norms.map((norm) => emitter.nodeOf(norm));
  }

  #store(emitter: Emitter, index: number, values: ReadonlyMap<string, TracedValue>): void {
    const stores = this.#statesOf(index).flatMap(({ slot, input, output }) => {
      const value = values.get(slot);
      if (value === undefined) this.#graph.node('Identity', [input], { output });
      return value === undefined ? [] : [{ output, value }];
    });
    emitter.store(stores);
  }

  /** Takes the values of an updating step, or those of one that accumulates. */
  #choose(
    emitter: Emitter,
    index: number,
    update: ReadonlyMap<string, TracedValue>,
    accumulation: ReadonlyMap<string, TracedValue>,
  ): void {
    const { node } = this.#graph;
    emitter.add([...update.values(), ...accumulation.values()]);
    const isUpdate = node('Greater', [this.#number(this.#phase), emitter.ops.constant(0)]);
    for (const { slot, input, output } of this.#statesOf(index)) {
      const [one, other] = [update, accumulation].map((values) => {
        const value = values.get(slot);
        return value === undefined ? input : emitter.wide(value);
      });
      node('Where', [isUpdate, one!, other!], { output });
    }
  }

  #countFlaws(tensor: string): string {
    return this.#graph.node('ReduceSum', [flaws(this.#graph, tensor, this.#kind.type)], {
      attributes: { keepdims: 0 },
    });
  }

  /** Steps that accumulate have no norm. */
  #flawOfUpdate(norm: string): string {
    const count = this.#countFlaws(norm);
    const { accumulates } = this.#settings.program;
    return accumulates ? this.#graph.node('Mul', [count, this.#number(this.#phase)]) : count;
  }
}
