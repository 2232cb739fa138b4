import { ACCUMULATE, CLIP_GLOBAL_NORM, CLIP_NORM, FINITE, LOOK, Numbers, UNSCALE, UPDATE, Variable, options } from './layout';
import { finite, forget, want } from './finite';
import { mean } from './gradient';
import { PIECE, feed, pass } from './pieces';
import { splat } from './vectors';

// The reading pass. Sums are in numpy's pairwise order: a range of more than 128 elements is halved, at a multiple of 8; up to 128
// are taken by eight sums, here two vectors of four, which are then added in pairs.

/** `a0 + a1, a2 + a3, b0 + b1, b2 + b3` */
@inline
function pairs(a: v128, b: v128): v128 {
  return f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
}

@inline
function addSquare(sum: v128, q: v128): v128 {
  return f32x4.add(sum, f32x4.mul(q, q));
}

/**
 * The squares of `first` bytes of a gradient, and of those after them. They are read in the order in which they lie: that is what memory is fast
 * at, and a core adds up the one while it is not done with the other.
 */
function leaves(s: Numbers, g: usize, v: usize, first: usize, bytes: usize): f32 {
  const scale = splat(options() & UNSCALE, changetype<usize>(s) + offsetof<Numbers>('scale'));
  const count = splat(options() & ACCUMULATE, changetype<usize>(s) + offsetof<Numbers>('count'));
  const end = g + bytes;
  const middle = g + first;
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (; g < middle; g += 32, v += 32) {
    a = addSquare(a, mean(4, 0, g, v, scale, count));
    b = addSquare(b, mean(4, 16, g, v, scale, count));
  }
  for (; g + 32 <= end; g += 32, v += 32) {
    c = addSquare(c, mean(4, 0, g, v, scale, count));
    d = addSquare(d, mean(4, 16, g, v, scale, count));
  }
  const sums = pairs(pairs(a, b), pairs(c, d));
  let sum = f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
  for (; g < end; g += 4, v += 4) {
    const q = f32x4.extract_lane(mean(1, 0, g, v, scale, count), 0);
    sum += q * q;
  }
  return f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1) + sum;
}

/** The sum of the squares of a gradient, once it is unscaled and averaged; or of what is `at` bytes from its start. */
function sumOfSquares(s: Numbers, r: Variable, g: usize, at: usize, bytes: usize): f32 {
  if (g & 1 && bytes <= PIECE) g = feed(g | 2, at, bytes);
  const half = (bytes >> 1) & ~31;
  if (bytes - half > 512) {
    return (
      sumOfSquares(s, r, g, at, half) + sumOfSquares(s, r, g & 1 ? g : g + half, at + half, bytes - half)
    );
  }
  return leaves(s, g, r.accumulator + at, bytes > 512 ? half : 0, bytes);
}

/** The sum of numbers. */
function sum(p: usize, bytes: usize): f32 {
  if (bytes > 512) {
    const half = (bytes >> 1) & ~31;
    return sum(p, half) + sum(p + half, bytes - half);
  }
  const end = p + bytes;
  let a = f32x4.splat(0);
  let b = a;
  for (; p + 32 <= end; p += 32) {
    a = f32x4.add(a, v128.load(p));
    b = f32x4.add(b, v128.load(p, 16));
  }
  const sums = pairs(pairs(a, b), a);
  let total = f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1);
  for (; p < end; p += 4) total += load<f32>(p);
  return total;
}

/**
 * The norms that a clip needs, and whether these and all gradients are finite, where that is asked for.
 *
 * @param order - see `step`
 */
export function look(s: Numbers, order: usize, given: i32, flags: i32): bool {
  forget();
  const end = order + ((<usize>given) << 2);
  let sums = end;
  for (; order < end; order += 4) {
    const r = changetype<Variable>(load<usize>(order));
    if (options() & (CLIP_NORM | CLIP_GLOBAL_NORM) && flags & UPDATE && !r.overwrites) {
      const squares = sumOfSquares(s, r, r.gradient, 0, r.size);
      if (options() & CLIP_NORM) r.norm = max(sqrt(squares), s.limit);
      store<f32>(sums, squares);
      sums += 4;
      // a non-finite element makes the sum non-finite
      if (options() & FINITE) want(squares);
    } else if (options() & FINITE) pass(s, r, LOOK);
  }
  if (options() & CLIP_GLOBAL_NORM) {
    const norm = sqrt(sum(end, sums - end));
    if (options() & FINITE) want(norm);
    s.factor = s.limit * min<f32>(<f32>1 / norm, s.inverse) + (norm - norm);
  }
  return finite();
}
