import { type DType, type Entry, type FloatArray, SgdError, type Slot } from '@sgd/core';
import { type Block, endOf, newArray, type Part, type Piece } from './blocks.ts';
import type { Ort, OrtTensor, OrtTensors } from './ort.ts';
import type { SGDProgram } from './sgd-program.ts';

/** The values and slots of all variables, on the host. */
export interface Memory {
  /** The tensors `m`, `v` and `a` of a piece. */
  slots(piece: Piece): OrtTensors;
  /** What a run made takes the place of what it was made of: `x_` that of `x`, and so on. */
  put(piece: Piece, made: OrtTensors): void;
  /** Sets all accumulators to 0. */
  forget(): void;
  /** The arrays that an entry lies in, one behind the other; throws `SGD_STATE_MISMATCH` if there is none, or none of this length. */
  find(entry: Entry, length?: number): FloatArray[];
}

const LETTERS: Readonly<Record<Slot, string>> = {
  variable: 'x',
  momentum: 'm',
  gradient_accumulator: 'v',
  average: 'a',
};

const arrayOf = (tensor: OrtTensor): FloatArray => tensor.data as FloatArray;

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
export function scatter(from: FloatArray, to: readonly FloatArray[]): void {
  let at = 0;
  for (const each of to) each.set(from.subarray(at, (at += each.length)));
}

/** The arrays of variables that parts are of, cut to them. */
export const cut = (parts: readonly Part[], arrays: readonly FloatArray[]): FloatArray[] =>
  parts.map(({ variable, start, end }) => arrays[variable]!.subarray(start, end));

/** Makes zero-filled slots, one tensor for each block. */
export function newMemory(
  { Tensor }: Ort,
  { slots, variables }: SGDProgram,
  values: readonly FloatArray[],
  blocks: readonly Block[],
): Memory {
  const tensors = new Map<Block, Record<string, OrtTensor>>();
  const places: (readonly [Block, Part])[][] = variables.map(() => []);
  for (const block of blocks) {
    const { dtype } = variables[block.parts[0]!.variable]!;
    const length = endOf(block.parts);
    const zeros = [...slots].map((slot) => [LETTERS[slot]!, new Tensor(dtype, newArray(dtype, length), [length])]);
    tensors.set(block, Object.fromEntries(zeros) as Record<string, OrtTensor>);
    for (const part of block.parts) places[part.variable]!.push([block, part]);
  }
  // those of overwriting variables, which are in no block
  const largest = variables.map(({ dtype, overwrites }, i) => newArray(dtype, overwrites ? values[i]!.length : 0));

  const arraysOf = ({ slot, index }: Entry): FloatArray[] | undefined => {
    if (slot === 'variable') return [values[index]!];
    if (!slots.has(slot)) return undefined;
    if (variables[index]!.overwrites) return slot === 'gradient_accumulator' ? [largest[index]!] : undefined;
    return places[index]!.map(([block, { start, end, at }]) =>
      arrayOf(tensors.get(block)![LETTERS[slot]!]!).subarray(at, at + end - start),
    );
  };

  return {
    slots({ block, parts }) {
      const whole = tensors.get(block)!;
      if (parts.length === block.parts.length) return whole;
      const [from, to] = [parts[0]!.at, endOf(parts)];
      const part = ([name, { type, data }]: [string, OrtTensor]): [string, OrtTensor] => [
        name,
        new Tensor(type as DType, (data as FloatArray).subarray(from, to), [to - from]),
      ];
      return Object.fromEntries(Object.entries(whole).map(part));
    },
    put({ block, parts }, made) {
      const whole = tensors.get(block)!;
      for (const [letter, ...others] of Object.keys(made)) {
        if (others.join('') !== '_') continue;
        const tensor = made[`${letter}_`]!;
        if (letter === 'x') scatter(arrayOf(tensor), cut(parts, values));
        else if (parts.length === block.parts.length) whole[letter!] = tensor;
        else arrayOf(whole[letter!]!).set(arrayOf(tensor), parts[0]!.at);
      }
    },
    forget() {
      for (const { v } of tensors.values()) if (v) arrayOf(v).fill(0);
      for (const each of largest) each.fill(0);
    },
    find(entry, wanted) {
      const arrays = arraysOf(entry);
      const length = arrays?.reduce((sum, each) => sum + each.length, 0);
      if (arrays && length === (wanted ?? length)) return arrays;
      throw new SgdError('SGD_STATE_MISMATCH', `${entry.slot} ${entry.index} is of length ${length}, got ${wanted}`);
    },
  };
}
