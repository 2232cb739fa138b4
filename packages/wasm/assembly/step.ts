import {
  ACCUMULATE,
  AVERAGE,
  AVERAGE_OVERWRITES,
  CLIP_GLOBAL_NORM,
  CLIP_NORM,
  FINITE,
  Numbers,
  ORDINARY,
  UPDATE,
  Variable,
  options,
} from './layout';
import { look } from './norms';
import { pass } from './pieces';
import { read, write } from './vectors';

/** `a = b * a + (1 - b) * x` of a variable that does not move; then `x = a`, if averages overwrite. */
function average(s: Numbers, r: Variable): void {
  const keep = v128.load32_splat(changetype<usize>(s), offsetof<Numbers>('keep'));
  const mix = v128.load32_splat(changetype<usize>(s), offsetof<Numbers>('mix'));
  let x = r.value;
  let a = r.average;
  const end = a + r.size;
  for (; a + 16 <= end; a += 16, x += 16) {
    write(4, a, 0, f32x4.add(f32x4.mul(keep, read(4, a, 0)), f32x4.mul(mix, read(4, x, 0))));
  }
  for (; a < end; a += 4, x += 4) {
    write(1, a, 0, f32x4.add(f32x4.mul(keep, read(1, a, 0)), f32x4.mul(mix, read(1, x, 0))));
  }
  if (options() & AVERAGE_OVERWRITES) memory.copy(r.value, r.average, r.size);
}

/** `x = g`; with an accumulator `v = max(g, v)` and, when updating, `x = v`, `v = 0`. A NaN is the largest. */
function overwrite(r: Variable, flags: i32): void {
  if (!(options() & ACCUMULATE)) {
    memory.copy(r.value, r.gradient, r.size);
    return;
  }
  let g = r.gradient;
  let v = r.accumulator;
  let to = flags & UPDATE ? r.value : v;
  const end = g + r.size;
  for (; g + 16 <= end; g += 16, v += 16, to += 16) write(4, to, 0, f32x4.max(read(4, g, 0), read(4, v, 0)));
  for (; g < end; g += 4, v += 4, to += 4) write(1, to, 0, f32x4.max(read(1, g, 0), read(1, v, 0)));
  if (flags & UPDATE) memory.fill(r.accumulator, 0, r.size);
}

/**
 * One whole step.
 *
 * @param s - see {@link Numbers}
 * @param variables - `count` records, one after the other
 * @param order - addresses of the `given` records that have a gradient, in the caller's order; room for as many numbers follows
 * @param flags - what kind of step it is: `UPDATE`, `ORDINARY`
 * @returns whether it was taken: not if gradients are to be finite and are not
 */
export function step(s: Numbers, variables: usize, count: i32, order: usize, given: i32, flags: i32): bool {
  const reads = options() & FINITE || (options() & (CLIP_NORM | CLIP_GLOBAL_NORM) && flags & UPDATE);
  const taken = !reads || look(s, order, given, flags);
  if (taken) {
    if (flags & UPDATE && flags & ORDINARY) {
      s.gradientSquares = s.gradientSquares2 = s.updateSquares = s.updateSquares2 = 0;
    }
    for (let i: i32 = 0; i < given; i++) {
      const r = changetype<Variable>(load<usize>(order + ((<usize>i) << 2)));
      if (r.overwrites) overwrite(r, flags);
      else pass(s, r, flags);
    }
  }
  for (let i: i32 = 0; i < count; i++, variables += offsetof<Variable>()) {
    const r = changetype<Variable>(variables);
    const moved = r.gradient && flags & UPDATE;
    r.gradient = 0;
    if (moved || !taken || !(flags & ORDINARY)) continue;
    if (options() & ACCUMULATE && flags & UPDATE) memory.fill(r.accumulator, 0, r.size);
    if (options() & AVERAGE && !r.overwrites) average(s, r);
  }
  return taken;
}
