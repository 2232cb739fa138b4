import type { Rule } from './rule.ts';

/** Which of SGD's operations are done. */
export interface SGDRuleConfig {
  /** 0: without a slot. Any other number: with momentum, whose value is a scalar. */
  readonly momentum: number;
  /** Whether the step looks ahead along the momentum. */
  readonly nesterov: boolean;
}

/**
 * Stochastic gradient descent:
 *
 * ```text
 * momentum = 0:   x = x - g * learningRate
 * otherwise:      m = m * momentum - g * learningRate
 *                 x = x + m                                        or, with nesterov,
 *                 x = x + (m * momentum - g * learningRate)
 * ```
 *
 * Source: `keras.optimizers.SGD` 3.16.
 */
export const sgd: Rule<SGDRuleConfig, 'momentum', 'momentum'> = {
  name: 'sgd',
  scalars: ['momentum'],
  slots: ({ momentum }) => (momentum === 0 ? [] : [{ name: 'momentum' }]),
  update(o, config, { x, g, momentum: m }, { learningRate, momentum }) {
    const step = o.mul(g, learningRate);
    if (config.momentum === 0) return { x: o.sub(x, step) };
    const next = o.sub(o.mul(m, momentum), step);
    return { x: o.add(x, config.nesterov ? o.sub(o.mul(next, momentum), step) : next), momentum: next };
  },
};
