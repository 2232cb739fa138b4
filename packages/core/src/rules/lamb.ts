import { type Betas, biasCorrection, nextMoments } from './moments.ts';
import type { Rule } from './rule.ts';

/** The options of Lamb's rule. */
export interface LambRuleConfig extends Betas {
  readonly epsilon: number;
}

/**
 * Lamb: Adam's direction, as long as the variable is.
 *
 * ```text
 * m = m + (g - m) * (1 - beta1)
 * v = v + (g * g - v) * (1 - beta2)
 * u = (m / (1 - beta1 ^ n)) / (sqrt(v / (1 - beta2 ^ n)) + epsilon)     n: which update it is, from 1
 * ratio = |x| / |u|, or 1 where either norm is 0
 * x = x - (ratio * learningRate) * u
 * ```
 *
 * Source: `keras.optimizers.Lamb` 3.15.1.
 */
export const lamb: Rule<LambRuleConfig, 'momentum' | 'velocity', never> = {
  name: 'lamb',
  slots: () => [{ name: 'momentum' }, { name: 'velocity', interleaved: true }],
  update(o, config, tensors, { learningRate, updateCount }) {
    const { beta1, beta2, epsilon } = config;
    const { x } = tensors;
    const { momentum, velocity } = nextMoments(o, config, tensors);
    const mean = o.div(momentum, biasCorrection(o, beta1, updateCount));
    const spread = o.sqrt(o.div(velocity, biasCorrection(o, beta2, updateCount)));
    const direction = o.div(mean, o.add(spread, o.constant(epsilon)));
    const norm = (a: typeof x): typeof x => o.sqrt(o.sum(o.mul(a, a)));
    const one = o.constant(1);
    const [size, length] = [norm(x), norm(direction)];
    const ratio = o.select(size, o.select(length, o.div(size, length), one), one);
    return { x: o.sub(x, o.mul(o.mul(ratio, learningRate), direction)), momentum, velocity };
  },
};
