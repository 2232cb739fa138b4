import { type Betas, biasCorrection } from './moments.ts';
import type { Rule } from './rule.ts';

/** The options of Adamax's rule. */
export interface AdamaxRuleConfig extends Betas {
  readonly epsilon: number;
}

/**
 * Adamax: Adam by the largest gradient.
 *
 * ```text
 * m = m + (g - m) * (1 - beta1)
 * u = max(beta2 * u, |g|)
 * x = x - (learningRate * m) / ((1 - beta1 ^ n) * (u + epsilon))        n: which update it is, from 1
 * ```
 *
 * Source: `keras.optimizers.Adamax` 3.15.1.
 */
export const adamax: Rule<AdamaxRuleConfig, 'momentum' | 'norm', never> = {
  name: 'adamax',
  slots: () => [{ name: 'momentum' }, { name: 'norm', interleaved: true }],
  update(o, { beta1, beta2, epsilon }, { x, g, momentum: m, norm: u }, { learningRate, updateCount }) {
    const momentum = o.add(m, o.mul(o.sub(g, m), o.constant(1 - beta1)));
    const norm = o.max(o.mul(o.constant(beta2), u), o.abs(g));
    const divisor = o.mul(biasCorrection(o, beta1, updateCount), o.add(norm, o.constant(epsilon)));
    return { x: o.sub(x, o.div(o.mul(learningRate, momentum), divisor)), momentum, norm };
  },
};
