import type { Arena } from './arena.ts';
import { nothing, type Tensor } from './tensor.ts';

// Two copies of the same memory would overwrite each other's updates. So all optimizers of an arena that have the same array share one, and
// where that can't be, as another arena or another part of the array is asked for, the older copy is given up.

/** A tensor that stands for a range of a buffer outside of all arenas. */
export interface Copy {
  readonly tensor: Tensor;
  /** In bytes of the buffer. */
  readonly start: number;
  readonly end: number;
  /** Whether the array has the same values after each step. */
  readonly copyBack: boolean;
  /** Optimizers that have it as a variable. */
  holders: number;
}

/** The arenas that have copies of parts of a buffer. Weakly: a buffer does not keep an arena alive. */
const holding = new WeakMap<ArrayBufferLike, Set<WeakRef<Arena>>>();

/** The copy that the arena has of exactly this array. */
export const copyOf = ({ copies }: Arena, { buffer, byteOffset, byteLength }: Float32Array): Copy | undefined =>
  copies.get(buffer)?.find(({ start, end }) => start === byteOffset && end === byteOffset + byteLength);

function remove({ copies }: Arena, buffer: ArrayBufferLike, copy: Copy): void {
  copies.set(
    buffer,
    copies.get(buffer)!.filter((other) => other !== copy),
  );
  copy.tensor.free();
}

/** Frees a copy for another one: the next call of the optimizers that hold it is refused. */
function giveUp(arena: Arena, buffer: ArrayBufferLike, copy: Copy): void {
  const { tensor, start, end, copyBack } = copy;
  if (!copyBack && end <= buffer.byteLength) new Float32Array(buffer, start, tensor.length).set(tensor.data);
  remove(arena, buffer, copy);
}

/** Lets one more optimizer have the copy of an array; a `tensor` that was made for it becomes that, in the place of all others. */
export function hold(arena: Arena, array: Float32Array, tensor: Tensor, copyBack: boolean): Copy {
  const { buffer, byteOffset: start, byteLength } = array;
  const end = start + byteLength;
  let copy = copyOf(arena, array);
  if (!copy) {
    const refs = holding.get(buffer) ?? new Set();
    holding.set(buffer, refs.add(arena.ref));
    for (const ref of refs) {
      const other = ref.deref();
      for (const old of other?.copies.get(buffer) ?? nothing)
        if (Math.max(old.start, start) < Math.min(old.end, end)) giveUp(other!, buffer, old);
    }
    copy = { tensor, start, end, copyBack, holders: 0 };
    arena.copies.set(buffer, [...(arena.copies.get(buffer) ?? nothing), copy]);
    tensor.data.set(array);
  } else if (copyBack) tensor.data.set(array); // what was written by hand, if anything was
  copy.holders++;
  return copy;
}

/** Lets go of a copy, which was not given up; the last one frees it. */
export function release(arena: Arena, buffer: ArrayBufferLike, copy: Copy): void {
  if (--copy.holders === 0) remove(arena, buffer, copy);
}
