import { type DType, type Entry, type FloatArray, type Program, SgdError, type WriteEntry } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import { type Block, endOf, newArray, type Part, type Piece } from './blocks.ts';
import type { Ort, OrtTensor } from './ort.ts';

const dataOf = (tensor: OrtTensor): FloatArray => tensor.data as FloatArray;

/** Copies what lies in several arrays into one. */
export function gather(from: readonly FloatArray[], to: FloatArray): FloatArray {
  let at = 0;
  for (const each of from) {
    to.set(each, at);
    at += each.length;
  }
  return to;
}

/** Copies what lies in one array into several. */
function scatter(from: FloatArray, to: readonly FloatArray[]): void {
  let at = 0;
  for (const each of to) each.set(from.subarray(at, (at += each.length)));
}

/** The arrays of variables that parts are of, cut to them. */
export const cut = (parts: readonly Part[], arrays: readonly FloatArray[]): FloatArray[] =>
  parts.map(({ variable, start, end }) => arrays[variable]!.subarray(start, end));

/** The values and slots of all variables, on the host. */
export class Memory {
  readonly #ort: Ort;
  readonly #values: readonly FloatArray[];
  readonly #program: Program;
  /** The slots of each block, by name: one tensor for all its variables. */
  readonly #tensors = new Map<Block, Record<string, OrtTensor>>();
  /** By variable: where its parts are. */
  readonly #places: (readonly [Block, Part])[][];
  /** By variable: the names of its slots. */
  readonly #slots: readonly ReadonlySet<string>[];

  /** Makes slots, filled with their first values. */
  constructor(
    ort: Ort,
    program: Program,
    definition: StepDefinition,
    { values, blocks }: { readonly values: readonly FloatArray[]; readonly blocks: readonly Block[] },
  ) {
    const { variables } = program;
    this.#ort = ort;
    this.#program = program;
    this.#values = values;
    this.#places = variables.map(() => []);
    this.#slots = variables.map((_, index) => new Set(definition.tensorsOf(index).map(({ name }) => name)));
    for (const block of blocks) {
      const { variable } = block.parts[0]!;
      const { dtype } = variables[variable]!;
      const length = endOf(block.parts);
      const tensors: Record<string, OrtTensor> = {};
      for (const { name, initial = 0 } of definition.tensorsOf(variable)) {
        if (name === 'variable') continue;
        const data = newArray(dtype, length);
        if (!Object.is(initial, 0)) data.fill(initial);
        tensors[name] = new ort.Tensor(dtype, data, [length]);
      }
      this.#tensors.set(block, tensors);
      for (const part of block.parts) this.#places[part.variable]!.push([block, part]);
    }
  }

  /** The tensor of a slot of a piece. */
  slot({ block, parts }: Piece, name: string): OrtTensor {
    const whole = this.#tensors.get(block)![name]!;
    if (parts.length === block.parts.length) return whole;
    const data = dataOf(whole).subarray(parts[0]!.at, endOf(parts));
    return new this.#ort.Tensor(whole.type as DType, data, [data.length]);
  }

  /** What a run made takes the place of the tensor of this name. */
  put({ block, parts }: Piece, name: string, made: OrtTensor): void {
    const whole = this.#tensors.get(block)!;
    if (name === 'variable') scatter(dataOf(made), cut(parts, this.#values));
    else if (parts.length === block.parts.length) whole[name] = made;
    else dataOf(whole[name]!).set(dataOf(made), parts[0]!.at);
  }

  /** All elements of a tensor become a number. */
  fill({ block, parts }: Piece, name: string, value: number): void {
    if (name === 'variable') for (const array of cut(parts, this.#values)) array.fill(value);
    else dataOf(this.#tensors.get(block)![name]!).fill(value, parts[0]!.at, endOf(parts));
  }

  /** Whether a variable has a tensor of this name. */
  has({ slot, index }: Entry): boolean {
    return this.#slots[index]?.has(slot) === true;
  }

  /** The arrays that an entry lies in, one behind the other; throws `SGD_STATE_MISMATCH` if there is none, or none of this length. */
  find(entry: Entry, wanted?: number): FloatArray[] {
    const { slot, index } = entry;
    const length = this.has(entry) ? this.#values[index]!.length : undefined;
    if (length === undefined || length !== (wanted ?? length))
      throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${length}, got ${wanted}`);
    if (slot === 'variable') return [this.#values[index]!];
    return this.#places[index]!.map(([block, { start, end, at }]) =>
      dataOf(this.#tensors.get(block)![slot]!).subarray(at, at + end - start),
    );
  }

  /** A copy of an entry. */
  read(entry: Entry): FloatArray {
    const arrays = this.find(entry);
    const { dtype } = this.#program.variables[entry.index]!;
    return gather(arrays, newArray(dtype, this.#values[entry.index]!.length));
  }

  /** Copies values into entries: all, or none where one is not there. */
  write(entries: readonly WriteEntry[]): void {
    const targets = entries.map((entry) => this.find(entry, entry.values.length));
    targets.forEach((target, i) => scatter(entries[i]!.values, target));
  }

  /** Averaged variables become their averages or, with `"swap"`, change places with them. */
  averages(action: 'assign' | 'swap'): void {
    this.#values.forEach((values, index) => {
      const entry = { slot: 'average', index };
      if (!this.has(entry)) return;
      const averages = this.read(entry);
      if (action === 'swap') scatter(values, this.find(entry));
      values.set(averages);
    });
  }
}
