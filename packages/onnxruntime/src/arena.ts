import { type GpuBuffer, type GpuDevice, newBuffer, type Range } from './gpu.ts';
import type { Ort, OrtTensor } from './ort.ts';

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
  /** Elements of each row that belong to a variable. */
  readonly lengths: Float32Array;
}

/** Lays out variables of these lengths. */
export function layOut(sizes: readonly number[]): Layout {
  const owners: number[] = [];
  const lengths: number[] = [];
  const starts = sizes.map((size, i) => {
    const start = owners.length;
    for (let from = 0; from < size; from += ROW) {
      owners.push(i);
      lengths.push(Math.min(size - from, ROW));
    }
    return start;
  });
  const rows = Math.max(owners.length, 1);
  return { rows, owners, starts, sizes, lengths: Float32Array.from({ length: rows }, (_, row) => lengths[row] ?? 0) };
}

/** What an arena is filled with, and whether new values are written to it: one that is only read has no `other`. */
export interface ArenaOptions {
  readonly initial?: number;
  readonly isWritten: boolean;
}

/** An arena of one number. */
export function newArena(
  { Tensor }: Ort,
  device: GpuDevice,
  { rows }: Layout,
  { initial = 0, isWritten }: ArenaOptions,
): Arena {
  const make = (): { buffer: GpuBuffer; tensor: OrtTensor } => {
    const buffer = newBuffer(device, rows * ROW * 4);
    return { buffer, tensor: Tensor.fromGpuBuffer!(buffer, { dataType: 'float32', dims: [rows, ROW] }) };
  };
  const first = make();
  if (!Object.is(initial, 0)) device.queue.writeBuffer(first.buffer, 0, new Float32Array(rows * ROW).fill(initial));
  return { ...first, other: isWritten ? make() : null };
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

/** A number for each row, by variable; where all rows have the same, it stands for all. */
export function column({ rows, owners, sizes }: Layout, of: (variable: number) => number): Float32Array {
  const each = sizes.map((_, variable) => of(variable));
  if (each.every((value) => Object.is(value, each[0]))) return Float32Array.of(each[0] ?? 0);
  return Float32Array.from({ length: rows }, (_, row) => each[owners[row]!] ?? 0);
}

/** The sum over the rows of a variable, in float64. */
export function sumOver({ starts, sizes }: Layout, variable: number, rows: Float32Array): number {
  let sum = 0;
  const from = starts[variable]!;
  const to = from + Math.ceil(sizes[variable]! / ROW);
  for (let row = from; row < to; row++) sum += rows[row]!;
  return sum;
}
