import type { Rule } from './rule.ts';

/** The options of Adagrad's rule. */
export interface AdagradRuleConfig {
  /** What the accumulator is at first. */
  readonly initialAccumulatorValue: number;
  readonly epsilon: number;
}

/**
 * Adagrad:
 *
 * ```text
 * a = a + g * g                              at first initialAccumulatorValue
 * x = x - (learningRate * g) / sqrt(a + epsilon)
 * ```
 *
 * Source: `keras.optimizers.Adagrad` 3.15.1.
 */
export const adagrad: Rule<AdagradRuleConfig, 'accumulator', never> = {
  name: 'adagrad',
  slots: ({ initialAccumulatorValue }) => [{ name: 'accumulator', initial: initialAccumulatorValue }],
  update(o, { epsilon }, { x, g, accumulator: a }, { learningRate }) {
    const accumulator = o.add(a, o.mul(g, g));
    const change = o.div(o.mul(learningRate, g), o.sqrt(o.add(accumulator, o.constant(epsilon))));
    return { x: o.sub(x, change), accumulator };
  },
};
