import { type Betas, biasCorrection, nextMoments } from './moments.ts';
import type { Rule } from './rule.ts';

/** The options of Adam's rule, and of AdamW's. */
export interface AdamRuleConfig extends Betas {
  readonly epsilon: number;
  /** Whether the largest second moment so far is divided by. */
  readonly amsgrad: boolean;
}

type Slot = 'momentum' | 'velocity' | 'velocity_hat';

/**
 * Adam, and with decoupled weight decay AdamW:
 *
 * ```text
 * alpha = learningRate * sqrt(1 - beta2 ^ n) / (1 - beta1 ^ n)          n: which update it is, from 1
 * m = m + (g - m) * (1 - beta1)
 * v = v + (g * g - v) * (1 - beta2)
 * x = x - (m * alpha) / (sqrt(v) + epsilon)                             or, with amsgrad,
 * h = max(h, v)
 * x = x - (m * alpha) / (sqrt(h) + epsilon)
 * ```
 *
 * Source: `keras.optimizers.Adam` 3.15.1.
 */
export const adam: Rule<AdamRuleConfig, Slot, never> = {
  name: 'adam',
  slots: ({ amsgrad }) => [
    { name: 'momentum' },
    { name: 'velocity', interleaved: true },
    ...(amsgrad ? ([{ name: 'velocity_hat' }] as const) : []),
  ],
  update(o, config, tensors, { learningRate, updateCount }) {
    const { beta1, beta2, epsilon, amsgrad } = config;
    const rate = o.mul(learningRate, o.sqrt(biasCorrection(o, beta2, updateCount)));
    const alpha = o.div(rate, biasCorrection(o, beta1, updateCount));
    const moments = nextMoments(o, config, tensors);
    const largest = amsgrad ? o.max(tensors.velocity_hat, moments.velocity) : moments.velocity;
    const change = o.div(o.mul(moments.momentum, alpha), o.add(o.sqrt(largest), o.constant(epsilon)));
    return { x: o.sub(tensors.x, change), ...moments, ...(amsgrad ? { velocity_hat: largest } : {}) };
  },
};
