// Whether all gradients of a step, and the norms that it clips by, are finite.

let infinite: bool = false;

/** The larger of two magnitudes, as bits: those of infinities and NaN are larger than those of all numbers. */
@inline
function larger(most: v128, g: v128): v128 {
  return i32x4.max_u(most, v128.and(g, i32x4.splat(0x7fffffff)));
}

export function lookAt(g: usize, bytes: usize): void {
  const end = g + bytes;
  let most = f32x4.splat(0);
  for (; g + 32 <= end; g += 32) most = larger(larger(most, v128.load(g)), v128.load(g, 16));
  for (; g < end; g += 4) most = larger(most, v128.load32_zero(g));
  infinite |= v128.any_true(i32x4.ge_u(most, i32x4.splat(0x7f800000)));
}

/** Looks at a sum of squares, or its root. */
@inline
export function want(sum: f32): void {
  infinite |= !(sum < Infinity);
}

/** Before a step. */
@inline
export function forget(): void {
  infinite = false;
}

/** Whether all that was looked at in this step is finite. */
@inline
export function finite(): bool {
  return !infinite;
}
