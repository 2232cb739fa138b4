import type { DType, FloatArray, Program } from '@sgd/core';

/** Elements that are run at a time: so few that what one operation leaves for the next is still in the processor's caches. */
export const CHUNK = 131_072;

/** Variables with fewer elements share their runs with others. */
const SMALL = 16_384;

/** Memory that the pieces of a step are cut from: one variable, or small ones that are treated alike. */
export interface Block {
  readonly variables: number[];
  /** Where each begins, and where the last one ends. */
  readonly starts: number[];
  /** Equal for variables of the same type, group and decay. */
  readonly kind: string;
}

/** Elements `from` to `to` of a block. */
export interface Piece {
  readonly block: Block;
  readonly from: number;
  readonly to: number;
}

/** Puts all variables that have elements and are not overwritten into blocks. */
export function blocksOf({ variables }: Program, values: readonly FloatArray[]): Block[] {
  const blocks: Block[] = [];
  const open = new Map<string, Block>();
  variables.forEach(({ dtype, group, decays, overwrites }, i) => {
    const size = values[i]!.length;
    if (overwrites || size === 0) return;
    const kind = [dtype, group, decays].join();
    const fill = open.get(kind);
    if (size < SMALL && fill && fill.starts.at(-1)! + size <= CHUNK) {
      fill.variables.push(i);
      fill.starts.push(fill.starts.at(-1)! + size);
      return;
    }
    const block = { variables: [i], starts: [0, size], kind };
    blocks.push(block);
    if (size < SMALL) open.set(kind, block);
  });
  return blocks;
}

/** The pieces over the variables that are `given`; neighbours in a block are taken together. */
export function piecesOf(blocks: readonly Block[], given: (variable: number) => boolean): Piece[] {
  const pieces: Piece[] = [];
  for (const block of blocks) {
    const { variables, starts } = block;
    for (let k = 0; k < variables.length; k++) {
      if (!given(variables[k]!)) continue;
      const first = k;
      while (k + 1 < variables.length && given(variables[k + 1]!)) k++;
      for (let from = starts[first]!; from < starts[k + 1]!; from += CHUNK)
        pieces.push({ block, from, to: Math.min(from + CHUNK, starts[k + 1]!) });
    }
  }
  return pieces;
}

/** A variable in a piece: which of its elements, and where they begin in the block. */
export interface Part {
  readonly variable: number;
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

/** The variables in a piece. */
export function partsOf({ block: { variables, starts }, from, to }: Piece): Part[] {
  const parts: Part[] = [];
  variables.forEach((variable, k) => {
    const at = Math.max(from, starts[k]!);
    const end = Math.min(to, starts[k + 1]!);
    if (at < end) parts.push({ variable, start: at - starts[k]!, end: end - starts[k]!, at });
  });
  return parts;
}

/** An array of a type, filled with 0. */
export const newArray = (dtype: DType, length: number): FloatArray =>
  dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);
