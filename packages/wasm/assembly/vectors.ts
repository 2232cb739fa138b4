// Values at `pointer`, `at` bytes further on: four of them, or, for the elements that are left, one. Both numbers are constants where
// this is inlined, so that of all branches one is left, and `at` is part of the instruction.

@inline
export function read(lanes: i32, pointer: usize, at: i32): v128 {
  if (lanes == 1) return v128.load32_zero(pointer);
  if (at == 16) return v128.load(pointer, 16);
  if (at == 32) return v128.load(pointer, 32);
  if (at == 48) return v128.load(pointer, 48);
  return v128.load(pointer);
}

@inline
export function write(lanes: i32, pointer: usize, at: i32, values: v128): void {
  if (lanes == 1) v128.store32_lane(pointer, values, 0);
  else if (at == 16) v128.store(pointer, values, 16);
  else if (at == 32) v128.store(pointer, values, 32);
  else if (at == 48) v128.store(pointer, values, 48);
  else v128.store(pointer, values);
}

/** Adds `(v - w)^2` in float64 to a sum in two parts. */
export function addSquares(lanes: i32, sum: usize, v: v128, w: v128): void {
  for (let i = 0; i < lanes; i += 2) {
    let d = f64x2.sub(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(w));
    if (lanes == 1) d = f64x2.replace_lane(d, 1, 0);
    v128.store(sum, f64x2.add(v128.load(sum), f64x2.mul(d, d)));
    v = v128.shuffle<f64>(v, v, 1, 1);
    w = v128.shuffle<f64>(w, w, 1, 1);
  }
}

/** The number at an address in all four lanes, where it is needed. Unlike `f32x4.splat`, V8 does not move a load into the loop. */
@inline
export function splat(needed: i32, pointer: usize): v128 {
  return needed ? v128.load32_splat(pointer) : f32x4.splat(0);
}
