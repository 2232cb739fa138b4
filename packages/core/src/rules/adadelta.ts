import type { Rule } from './rule.ts';

/** The options of Adadelta's rule. */
export interface AdadeltaRuleConfig {
  readonly rho: number;
  readonly epsilon: number;
}

type Slot = 'accumulated_grad' | 'accumulated_delta_var';

/**
 * Adadelta:
 *
 * ```text
 * s = rho * s + (1 - rho) * (g * g)
 * u = -(sqrt(d + epsilon) * g) / sqrt(s + epsilon)
 * d = rho * d + (1 - rho) * (u * u)
 * x = x + learningRate * u
 * ```
 *
 * Source: `keras.optimizers.Adadelta` 3.15.1.
 */
export const adadelta: Rule<AdadeltaRuleConfig, Slot, never> = {
  name: 'adadelta',
  slots: () => [{ name: 'accumulated_grad' }, { name: 'accumulated_delta_var', interleaved: true }],
  update(o, config, { x, g, accumulated_grad: s, accumulated_delta_var: d }, { learningRate }) {
    const rho = o.constant(config.rho);
    const rest = o.constant(1 - config.rho);
    const epsilon = o.constant(config.epsilon);
    const squares = o.add(o.mul(rho, s), o.mul(rest, o.mul(g, g)));
    const change = o.neg(o.div(o.mul(o.sqrt(o.add(d, epsilon)), g), o.sqrt(o.add(squares, epsilon))));
    const changes = o.add(o.mul(rho, d), o.mul(rest, o.mul(change, change)));
    return { x: o.add(x, o.mul(learningRate, change)), accumulated_grad: squares, accumulated_delta_var: changes };
  },
};
