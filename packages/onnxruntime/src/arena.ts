import type { Entry, Slot } from '@sgd/core';
import { SgdError } from '@sgd/core';
import { type GpuBuffer, type GpuDevice, newBuffer, type Range } from './gpu.ts';
import type { Ort, OrtTensor } from './ort.ts';
import type { SGDProgram } from './sgd-program.ts';

/** Elements of a row. Each variable begins a row of its own, so that what holds for a variable holds for rows. */
export const ROW = 1024;

/** Memory on the GPU for one slot of all variables, as a matrix, and a second one that the next values are written to. */
export interface Arena {
  buffer: GpuBuffer;
  tensor: OrtTensor;
  other: { readonly buffer: GpuBuffer; readonly tensor: OrtTensor } | null;
}

/** Where the variables are in an arena. */
export interface Layout {
  /** Rows of all, at least one. */
  readonly rows: number;
  /** The variable of each row. */
  readonly owners: readonly number[];
  /** The first row of each variable, and its length. */
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
}

/** Lays out variables of these lengths. */
export function layOut(sizes: readonly number[]): Layout {
  const owners: number[] = [];
  const starts = sizes.map((size, i) => {
    const start = owners.length;
    for (let row = 0; row < size; row += ROW) owners.push(i);
    return start;
  });
  return { rows: Math.max(owners.length, 1), owners, starts, sizes };
}

/** An arena of zeros; one that is only read has no `other`. */
export function newArena({ Tensor }: Ort, device: GpuDevice, { rows }: Layout, written: boolean): Arena {
  const make = (): { buffer: GpuBuffer; tensor: OrtTensor } => {
    const buffer = newBuffer(device, rows * ROW * 4);
    return { buffer, tensor: Tensor.fromGpuBuffer!(buffer, { dataType: 'float32', dims: [rows, ROW] }) };
  };
  return { ...make(), other: written ? make() : null };
}

/** The new values take the place of the old ones, which stay in `other`. */
export function flip(arena: Arena): void {
  const { buffer, tensor, other } = arena;
  Object.assign(arena, other, { other: { buffer, tensor } });
}

/** Gives the memory back. */
export function destroy({ buffer, other }: Arena): void {
  buffer.destroy();
  other?.buffer.destroy();
}

/** The bytes of variable `i`. */
export const rangeOf = ({ starts, sizes }: Layout, buffer: GpuBuffer, i: number): Range => ({
  buffer,
  offset: starts[i]! * ROW * 4,
  bytes: sizes[i]! * 4,
});

/** The bytes of an entry, in its arena; throws `SGD_STATE_MISMATCH` if there is none, or none of this length. */
export function find(
  arenas: Readonly<Partial<Record<Slot, Arena>>>,
  layout: Layout,
  { slot, index }: Entry,
  length?: number,
): Range {
  const arena = arenas[slot];
  const size = layout.sizes[index];
  if (arena && size !== undefined && size === (length ?? size)) return rangeOf(layout, arena.buffer, index);
  throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${arena && size}, got ${length}`);
}

/** Whether all rows have the same number, which then stands for all. */
export function column(
  { rows, owners }: Layout,
  { variables }: SGDProgram,
  of: (variable: number) => number,
): Float32Array {
  const each = variables.map((_, i) => of(i));
  if (each.every((value) => Object.is(value, each[0]))) return Float32Array.of(each[0] ?? 0);
  return Float32Array.from({ length: rows }, (_, row) => each[owners[row]!] ?? 0);
}
