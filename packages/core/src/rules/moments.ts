import type { Ops } from './rule.ts';

/** What the betas of Adam and its kin decide. */
export interface Betas {
  /** Decay of the first moment. */
  readonly beta1: number;
  /** Decay of the second moment. */
  readonly beta2: number;
}

/** The moments of Adam and its kin: `m = m + (g - m) * (1 - beta1)`, `v = v + (g * g - v) * (1 - beta2)`. */
export function nextMoments<T>(
  o: Ops<T>,
  { beta1, beta2 }: Betas,
  { g, momentum: m, velocity: v }: Readonly<Record<'g' | 'momentum' | 'velocity', T>>,
): { readonly momentum: T; readonly velocity: T } {
  return {
    momentum: o.add(m, o.mul(o.sub(g, m), o.constant(1 - beta1))),
    velocity: o.add(v, o.mul(o.sub(o.mul(g, g), v), o.constant(1 - beta2))),
  };
}

/** `1 - beta ^ updateCount`: how much of a moment, which began at 0, is there. */
export function biasCorrection<T>(o: Ops<T>, beta: number, updateCount: T): T {
  return o.sub(o.constant(1), o.pow(o.constant(beta), updateCount));
}
