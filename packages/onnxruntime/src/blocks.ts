import type { DType, FloatArray, Program } from '@sgd/core';

/** Elements that are run at a time: so few that what one operation leaves for the next is still in the processor's caches. */
export const CHUNK = 262_144;

/** Variables with fewer elements share their runs with others. */
const SMALL = 16_384;

/** Elements `start` to `end` of a variable, which begin at `at` in a block. */
export interface Part {
  readonly variable: number;
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

/** What is run at a time: a part of a large variable, or small variables that are treated alike, one behind the other. */
export interface Block {
  /** Equal for variables of the same type, group and decay, and that are all overwritten or all not. */
  readonly kind: string;
  readonly parts: Part[];
}

/** Neighbours in a block: all of it, unless some of its variables have no gradient. */
export interface Piece {
  readonly block: Block;
  readonly parts: readonly Part[];
}

/** Where parts end in their block. */
export const endOf = (parts: readonly Part[]): number => {
  const { at, start, end } = parts.at(-1)!;
  return at + end - start;
};

/** Puts all variables that have elements into blocks. */
export function blocksOf({ variables }: Pick<Program, 'variables'>, values: readonly FloatArray[]): Block[] {
  const blocks: Block[] = [];
  const open = new Map<string, Block>();
  variables.forEach(({ dtype, group, decays, overwrites }, variable) => {
    const size = values[variable]!.length;
    if (size === 0) return;
    const kind = [dtype, group, decays, overwrites].join();
    const fill = open.get(kind)?.parts;
    if (fill && size < SMALL && endOf(fill) + size <= CHUNK) {
      fill.push({ variable, start: 0, end: size, at: endOf(fill) });
      return;
    }
    for (let start = 0; start < size; start += CHUNK) {
      const block = { kind, parts: [{ variable, start, end: Math.min(start + CHUNK, size), at: 0 }] };
      blocks.push(block);
      if (size < SMALL) open.set(kind, block);
    }
  });
  return blocks;
}

/** The pieces over the variables that are `given`. */
export function piecesOf(blocks: readonly Block[], given: (variable: number) => boolean): Piece[] {
  const pieces: Piece[] = [];
  for (const block of blocks) {
    let parts: Part[] = [];
    for (const part of block.parts) {
      if (!given(part.variable)) parts = [];
      else if (parts.push(part) === 1) pieces.push({ block, parts });
    }
  }
  return pieces;
}

/** An array of a type, filled with 0. */
export const newArray = (dtype: DType, length: number): FloatArray =>
  dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);
