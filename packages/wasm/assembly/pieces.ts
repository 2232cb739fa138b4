import { LOOK, Numbers, UPDATE, Variable } from './layout';
import { lookAt } from './norms';
import { accumulate, update } from './update';

// A gradient that the host has elsewhere comes in pieces, in each pass: the host copies one to where the nearest cache holds it, when the kernels
// are done with the one before.

/** Bytes of a piece, at most. A gradient is halved at a multiple of 32 until its parts are no larger, as it is where squares are summed. */
export const PIECE: usize = 4096;

/** The address to which the host has copied so many bytes of a gradient, the first of which is `at` bytes from its start. */
@external('env', 'feed')
export declare function feed(gradient: usize, at: usize, bytes: usize): usize;

/** One pass over a gradient, whole or piece by piece: it is looked at, updates, or is accumulated. */
export function pass(s: Numbers, r: Variable, at: usize, bytes: usize, flags: i32): void {
  let g = r.gradient;
  if (g & 1) {
    if (bytes > PIECE) {
      const half = (bytes >> 1) & ~31;
      pass(s, r, at, half, flags);
      pass(s, r, at + half, bytes - half, flags);
      return;
    }
    g = feed(g, at, bytes);
  }
  if (flags & LOOK) lookAt(g, bytes);
  else if (flags & UPDATE) update(s, r, g, at, bytes);
  else accumulate(s, r, g, at, bytes);
}
