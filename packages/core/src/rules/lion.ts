import type { Betas } from './moments.ts';
import type { Rule } from './rule.ts';

/**
 * Lion:
 *
 * ```text
 * x = x - learningRate * sign(m * beta1 + g * (1 - beta1))
 * m = m * beta2 + g * (1 - beta2)
 * ```
 *
 * Source: `keras.optimizers.Lion` 3.15.1.
 */
export const lion: Rule<Betas, 'momentum', never> = {
  name: 'lion',
  slots: () => [{ name: 'momentum' }],
  update(o, { beta1, beta2 }, { x, g, momentum: m }, { learningRate }) {
    const mixed = (beta: number): typeof m => {
      const keep = o.constant(beta);
      return o.add(o.mul(m, keep), o.mul(g, o.sub(o.constant(1), keep)));
    };
    return { x: o.sub(x, o.mul(learningRate, o.sign(mixed(beta1)))), momentum: mixed(beta2) };
  },
};
