import { lookAt } from './finite';
import { LOOK, Numbers, UPDATE, Variable } from './layout';
import { accumulate, update } from './update';

// A gradient that the host has elsewhere comes in pieces, in each pass: the host copies one to where the nearest cache holds it, when the kernels
// are done with the one before.

/** Bytes of a piece. Where squares are summed, a gradient is halved until its parts are no larger. */
export const PIECE: usize = 4096;

/**
 * The address to which the host has copied so many bytes of a gradient, the first of which is `at` bytes from its start.
 *
 * @param gradient - as in its record, or with the bit 2 where squares are summed: these pieces are others
 */
@external('env', 'feed')
export declare function feed(gradient: usize, at: usize, bytes: usize): usize;

/** One pass over a gradient, whole or piece by piece: it is looked at, updates, or is accumulated. */
export function pass(s: Numbers, r: Variable, flags: i32): void {
  const size = r.size;
  const gradient = r.gradient;
  const step = gradient & 1 ? PIECE : size;
  for (let at: usize = 0; at < size; at += step) {
    const bytes = min(step, size - at);
    const g = gradient & 1 ? feed(gradient, at, bytes) : gradient;
    if (flags & LOOK) lookAt(g, bytes);
    else if (flags & UPDATE) update(s, r, g, at, bytes);
    else accumulate(s, r, g, at, bytes);
  }
}
