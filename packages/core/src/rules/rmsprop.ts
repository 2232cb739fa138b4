import type { Rule } from './rule.ts';

/** The options of RMSprop's rule. */
export interface RMSpropRuleConfig {
  readonly rho: number;
  /** Where it is 0 there is no slot. */
  readonly momentum: number;
  readonly epsilon: number;
  /** Whether gradients are scaled by their estimated variance, in place of the second moment. */
  readonly centered: boolean;
}

type Slot = 'velocity' | 'momentum' | 'average_gradient';

/**
 * RMSprop:
 *
 * ```text
 * v = rho * v + (1 - rho) * (g * g)
 * d = v + epsilon                            or, centered,
 * a = rho * a + (1 - rho) * g,   d = (v - a * a) + epsilon
 * u = (learningRate * g) / sqrt(d)
 * x = x - u                                  or, with momentum,
 * m = momentum * m + u,          x = x - m
 * ```
 *
 * Source: `keras.optimizers.RMSprop` 3.15.1.
 */
export const rmsprop: Rule<RMSpropRuleConfig, Slot, never> = {
  name: 'rmsprop',
  slots: ({ momentum, centered }) => [
    { name: 'velocity' },
    ...(momentum > 0 ? ([{ name: 'momentum' }] as const) : []),
    ...(centered ? ([{ name: 'average_gradient' }] as const) : []),
  ],
  update(o, config, { x, g, velocity: v, momentum: m, average_gradient: a }, { learningRate }) {
    const rho = o.constant(config.rho);
    const rest = o.constant(1 - config.rho);
    const velocity = o.add(o.mul(rho, v), o.mul(rest, o.mul(g, g)));
    const average = config.centered ? o.add(o.mul(rho, a), o.mul(rest, g)) : undefined;
    const spread = average === undefined ? velocity : o.sub(velocity, o.mul(average, average));
    const scaled = o.div(o.mul(learningRate, g), o.sqrt(o.add(spread, o.constant(config.epsilon))));
    const change = config.momentum > 0 ? o.add(o.mul(o.constant(config.momentum), m), scaled) : scaled;
    return {
      x: o.sub(x, change),
      velocity,
      ...(config.momentum > 0 ? { momentum: change } : {}),
      ...(average === undefined ? {} : { average_gradient: average }),
    };
  },
};
