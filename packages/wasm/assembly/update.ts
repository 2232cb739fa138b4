import {
  ACCUMULATE,
  AVERAGE,
  AVERAGE_OVERWRITES,
  CLIP_GLOBAL_NORM,
  CLIP_NORM,
  CLIP_VALUE,
  DECAY,
  GRADIENT_NORM,
  MOMENTUM,
  NESTEROV,
  Numbers,
  Rates,
  SPARE,
  UPDATE_NORM,
  Variable,
  options,
} from './layout';
import { mean, unscaled } from './gradient';
import { addSquares, read, write } from './vectors';

// The writing pass: each value is read once and written once. Every operation rounds to float32, in Keras's order.

@inline
function elements(
  decays: v128,
  lanes: i32,
  at: i32,
  s: usize,
  x: usize,
  m: usize,
  v: usize,
  a: usize,
  g: usize,
  scale: v128,
  count: v128,
  limit: v128,
  factor: v128,
  norm: v128,
  lr: v128,
  b: v128,
  wd: v128,
  keep: v128,
  mix: v128,
): void {
  let q = mean(lanes, at, g, v, scale, count);
  if (options() & ACCUMULATE) write(lanes, v, at, i32x4.splat(0));
  if (options() & GRADIENT_NORM) addSquares(lanes, s + offsetof<Numbers>('gradientSquares'), q, i32x4.splat(0));
  // a NaN stays: of two numbers that don't compare, these take the first
  if (options() & CLIP_VALUE) q = f32x4.pmin(f32x4.pmax(q, f32x4.neg(limit)), limit);
  if (options() & CLIP_NORM) q = f32x4.div(f32x4.mul(q, limit), norm);
  if (options() & CLIP_GLOBAL_NORM) q = f32x4.mul(q, factor);
  q = f32x4.mul(q, lr);
  const before = read(lanes, x, at);
  let y = before;
  if (options() & DECAY) {
    const decay = f32x4.mul(f32x4.mul(y, wd), lr);
    y = f32x4.sub(y, options() & SPARE ? v128.and(decay, decays) : decay);
  }
  if (options() & MOMENTUM) {
    const w = f32x4.sub(f32x4.mul(read(lanes, m, at), b), q);
    write(lanes, m, at, w);
    y = f32x4.add(y, options() & NESTEROV ? f32x4.sub(f32x4.mul(w, b), q) : w);
  } else y = f32x4.sub(y, q);
  if (options() & UPDATE_NORM) addSquares(lanes, s + offsetof<Numbers>('updateSquares'), y, before);
  if (options() & AVERAGE) {
    const w = f32x4.add(f32x4.mul(keep, read(lanes, a, at)), f32x4.mul(mix, y));
    write(lanes, a, at, w);
    if (options() & AVERAGE_OVERWRITES) y = w;
  }
  write(lanes, x, at, y);
}

/** An updating step of a variable, of what is `at` bytes from its start; `g` is the address of its gradient from there on. */
export function update(numbers: Numbers, r: Variable, g: usize, at: usize, bytes: usize): void {
  const s = changetype<usize>(numbers);
  const rates = changetype<usize>(r.rates);
  let x = r.value + at;
  let m = r.momentum + at;
  let v = r.accumulator + at;
  let a = r.average + at;
  const end = x + bytes;
  const whole = x + (bytes & ~63);
  // loads, unlike `f32x4.splat`, V8 does not move into the loop
  const scale = v128.load32_splat(s, offsetof<Numbers>('scale'));
  const count = v128.load32_splat(s, offsetof<Numbers>('count'));
  const limit = v128.load32_splat(s, offsetof<Numbers>('limit'));
  const factor = v128.load32_splat(s, offsetof<Numbers>('factor'));
  const keep = v128.load32_splat(s, offsetof<Numbers>('keep'));
  const mix = v128.load32_splat(s, offsetof<Numbers>('mix'));
  const norm = v128.load32_splat(changetype<usize>(r), offsetof<Variable>('norm'));
  const lr = v128.load32_splat(rates, offsetof<Rates>('learningRate'));
  const b = v128.load32_splat(rates, offsetof<Rates>('momentum'));
  const wd = v128.load32_splat(rates, offsetof<Rates>('weightDecay'));
  const decays = v128.load32_splat(changetype<usize>(r), offsetof<Variable>('decays'));
  for (; x < whole; x += 64, m += 64, v += 64, a += 64, g += 64) {
    elements(decays, 4, 0, s, x, m, v, a, g, scale, count, limit, factor, norm, lr, b, wd, keep, mix);
    elements(decays, 4, 16, s, x, m, v, a, g, scale, count, limit, factor, norm, lr, b, wd, keep, mix);
    elements(decays, 4, 32, s, x, m, v, a, g, scale, count, limit, factor, norm, lr, b, wd, keep, mix);
    elements(decays, 4, 48, s, x, m, v, a, g, scale, count, limit, factor, norm, lr, b, wd, keep, mix);
  }
  for (; x < end; x += 4, m += 4, v += 4, a += 4, g += 4) {
    elements(decays, 1, 0, s, x, m, v, a, g, scale, count, limit, factor, norm, lr, b, wd, keep, mix);
  }
}

/** An accumulating step, of what is `at` bytes from the start: `v = g / scale + v`. */
export function accumulate(s: Numbers, r: Variable, g: usize, at: usize, bytes: usize): void {
  const scale = v128.load32_splat(changetype<usize>(s), offsetof<Numbers>('scale'));
  let v = r.accumulator + at;
  const end = v + bytes;
  for (; v + 32 <= end; v += 32, g += 32) {
    write(4, v, 0, f32x4.add(unscaled(4, 0, g, scale), read(4, v, 0)));
    write(4, v, 16, f32x4.add(unscaled(4, 16, g, scale), read(4, v, 16)));
  }
  for (; v < end; v += 4, g += 4) write(1, v, 0, f32x4.add(unscaled(1, 0, g, scale), read(1, v, 0)));
}
