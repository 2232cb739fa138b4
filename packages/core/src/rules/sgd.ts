import type { Rule } from './rule.ts';

/** The options of SGD's rule. */
export interface SGDRuleConfig {
  /** A scalar; where it is 0 in all groups, there is no slot. */
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
  update(o, { nesterov }, { x, g, momentum: m }, { learningRate, momentum }) {
    const step = o.mul(g, learningRate);
    if (m === undefined) return { x: o.sub(x, step) };
    const next = o.sub(o.mul(m, momentum), step);
    return { x: o.add(x, nesterov ? o.sub(o.mul(next, momentum), step) : next), momentum: next };
  },
};
