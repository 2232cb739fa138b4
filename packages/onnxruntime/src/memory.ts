import { type Entry, type FloatArray, type Program, SgdError, type Slot } from '@sgd/core';
import { type Block, newArray, type Part, partsOf, type Piece } from './blocks.ts';
import type { Ort, OrtTensor } from './ort.ts';

/** The values and slots of all variables, on the host. */
export interface Memory {
  /** By slot and variable. */
  readonly arrays: Readonly<Record<Slot, readonly FloatArray[]>>;
  /** The tensors `x`, `m`, `v` and `a` of a piece, and the variables in it. */
  open(piece: Piece): { readonly tensors: Readonly<Record<string, OrtTensor>>; readonly parts: readonly Part[] };
  /** Copies values of variables to where the piece is run, if it is not run on them, or back. */
  move(piece: Piece, back: boolean): void;
  /** The array of a slot; throws `SGD_STATE_MISMATCH` if there is none, or none of this length. */
  find(entry: Entry, length?: number): FloatArray;
}

const LETTERS = { variable: 'x', momentum: 'm', accumulator: 'v', average: 'a' } as const;
const SLOTS = ['momentum', 'accumulator', 'average'] as const;

const isShared = ({ buffer }: FloatArray): boolean => buffer[Symbol.toStringTag] === 'SharedArrayBuffer';

/** Makes zero-filled slots: those of a block lie one behind the other. */
export function newMemory(
  { Tensor }: Ort,
  { slots, variables }: Program,
  values: readonly FloatArray[],
  blocks: readonly Block[],
): Memory {
  const arrays: Record<Slot, FloatArray[]> = { variable: [...values], momentum: [], accumulator: [], average: [] };
  for (const slot of SLOTS) {
    variables.forEach(({ dtype, overwrites }, i) => {
      if (slots.has(slot) && (slot === 'accumulator' || !overwrites))
        arrays[slot][i] = newArray(dtype, overwrites ? values[i]!.length : 0);
    });
  }
  const memories = new Map(
    blocks.map((block) => {
      const [first] = block.variables as [number];
      const length = block.starts.at(-1)!;
      const { dtype } = variables[first]!;
      // a variable that is alone is run on itself, if ONNX Runtime takes its memory
      const direct = block.variables.length === 1 && !isShared(values[first]!);
      const own: Record<string, FloatArray> = { x: direct ? values[first]! : newArray(dtype, length) };
      for (const slot of SLOTS) {
        if (!slots.has(slot)) continue;
        const whole = (own[LETTERS[slot]] = newArray(dtype, length));
        block.variables.forEach((i, k) => (arrays[slot][i] = whole.subarray(block.starts[k], block.starts[k + 1])));
      }
      return [block, { direct, dtype, own }] as const;
    }),
  );
  const opened = new WeakMap<Piece, ReturnType<Memory['open']>>();
  return {
    arrays,
    open(piece) {
      const known = opened.get(piece);
      if (known) return known;
      const { block, from, to } = piece;
      const { dtype, own } = memories.get(block)!;
      const tensor = (whole: FloatArray): OrtTensor => new Tensor(dtype, whole.subarray(from, to), [to - from]);
      const tensors = Object.fromEntries(Object.entries(own).map(([name, whole]) => [name, tensor(whole)]));
      const made = { tensors, parts: partsOf(piece) };
      opened.set(piece, made);
      return made;
    },
    move(piece, back) {
      const { direct, own } = memories.get(piece.block)!;
      if (direct) return;
      for (const { variable, start, end, at } of this.open(piece).parts) {
        const outside = values[variable]!.subarray(start, end);
        const inside = own['x']!.subarray(at, at + end - start);
        if (back) outside.set(inside);
        else inside.set(outside);
      }
    },
    find({ slot, index }, length) {
      const found = arrays[slot][index];
      if (found && found.length === (length ?? found.length)) return found;
      throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${found?.length}, got ${length}`);
    },
  };
}
