import { ACCUMULATE, MEAN_DIVIDES, UNSCALE, UNSCALE_DIVIDES, options } from './layout';
import { read } from './vectors';

/** `g / scale` */
@inline
export function unscaled(lanes: i32, at: i32, g: usize, scale: v128): v128 {
  const q = read(lanes, g, at);
  if (!(options() & UNSCALE)) return q;
  return options() & UNSCALE_DIVIDES ? f32x4.div(q, scale) : f32x4.mul(q, scale);
}

/** `(g / scale + v) / count`, what is clipped; without accumulation `g / scale` */
@inline
export function mean(lanes: i32, at: i32, g: usize, v: usize, scale: v128, count: v128): v128 {
  const q = unscaled(lanes, at, g, scale);
  if (!(options() & ACCUMULATE)) return q;
  const sum = f32x4.add(q, read(lanes, v, at));
  return options() & MEAN_DIVIDES ? f32x4.div(sum, count) : f32x4.mul(sum, count);
}
