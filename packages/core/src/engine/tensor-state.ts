import { sizeOf } from './size.ts';
import { SgdError } from '../errors.ts';
import type { Entry, Measure, Program } from '../contract.ts';
import type { StepDefinition } from './step-definition.ts';
import { type TensorEngine, type Value } from './tensor-engine.ts';

/** The tensors of an optimizer. Those that were given stay the caller's; others are freed when they are replaced. */
export class TensorState<T extends object> {
  /** The current ones, in build order. */
  readonly variables: T[];
  /** What the last updating step measured: sums of squares. */
  readonly figures: Map<Measure, Value<T>> = new Map();
  readonly #given: readonly T[];
  /** By variable and name. */
  readonly #slots: Map<string, T>[];
  readonly #engine: TensorEngine<T>;

  constructor(engine: TensorEngine<T>, program: Program, definition: StepDefinition, given: readonly T[]) {
    this.#engine = engine;
    this.#given = given;
    this.variables = [...given];
    this.#slots = program.variables.map(({ shape, dtype }, index) => {
      const slots = definition.tensorsOf(index).filter(({ name }) => name !== 'variable');
      return new Map(slots.map(({ name, initial = 0 }) => [name, engine.fill(shape, initial, dtype)]));
    });
  }

  get(name: string, index: number): T | undefined {
    return name === 'variable' ? this.variables[index] : this.#slots[index]?.get(name);
  }

  /** All of a variable, by name. */
  of(index: number): Record<string, T> {
    return { ...Object.fromEntries(this.#slots[index]!), variable: this.variables[index]! };
  }

  /** Puts a tensor in the place of another. */
  put(name: string, index: number, tensor: T): void {
    const before = this.get(name, index)!;
    if (name === 'variable') this.variables[index] = tensor;
    else this.#slots[index]!.set(name, tensor);
    if (before !== this.#given[index]) this.#engine.free?.(before);
  }

  /** The tensor of an entry, of a number of elements if one is given. */
  find({ slot, index }: Entry, { variables }: Program, length?: number): T {
    const found = this.get(slot, index);
    const size = found && sizeOf(variables[index]!.shape);
    if (found && size === (length ?? size)) return found;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} has ${size ?? 'no'} values, got ${length}`);
  }

  /** Puts a new figure in the place of the last one. */
  measure(kind: Measure, figure: Value<T>): void {
    const old = this.figures.get(kind);
    this.figures.set(kind, figure);
    if (typeof old === 'object') this.#engine.free?.(old);
  }

  /** Frees all but the current variables. */
  dispose(): void {
    for (const slots of this.#slots) {
      for (const tensor of slots.values()) this.#engine.free?.(tensor);
      slots.clear();
    }
    for (const figure of this.figures.values()) if (typeof figure === 'object') this.#engine.free?.(figure);
    this.figures.clear();
  }
}
