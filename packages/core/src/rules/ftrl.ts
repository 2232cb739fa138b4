import type { Rule } from './rule.ts';

/** The options of Ftrl's rule. */
export interface FtrlRuleConfig {
  readonly learningRatePower: number;
  /** What the accumulator is at first. */
  readonly initialAccumulatorValue: number;
  readonly l1RegularizationStrength: number;
  readonly l2RegularizationStrength: number;
  readonly l2ShrinkageRegularizationStrength: number;
  readonly beta: number;
}

/**
 * Follow the regularized leader:
 *
 * ```text
 * l2 = l2RegularizationStrength + beta / (2 * learningRate),   q = -learningRatePower
 * n1 = n + g * g                             at first initialAccumulatorValue
 * z = z + (g + (2 * l2Shrinkage) * x) - ((n1 ^ q - n ^ q) / learningRate) * x
 * x = (clip(z, -l1, l1) - z) / (n1 ^ q / learningRate + 2 * l2)
 * n = n1
 * ```
 *
 * With the default power of -0.5 the powers are square roots, which are correctly rounded.
 *
 * Source: `keras.optimizers.Ftrl` 3.15.1.
 */
export const ftrl: Rule<FtrlRuleConfig, 'accumulator' | 'linear', never> = {
  name: 'ftrl',
  slots: ({ initialAccumulatorValue }) => [
    { name: 'accumulator', initial: initialAccumulatorValue },
    { name: 'linear', interleaved: true },
  ],
  update(o, config, { x, g, accumulator: n, linear: z }, { learningRate }) {
    const two = o.constant(2);
    const bias = o.div(o.constant(config.beta), o.mul(two, learningRate));
    const l2 = o.add(o.constant(config.l2RegularizationStrength), bias);
    const l1 = o.constant(config.l1RegularizationStrength);
    const exponent = -config.learningRatePower;
    const power = (a: typeof n): typeof n => (exponent === 0.5 ? o.sqrt(a) : o.pow(a, o.constant(exponent)));
    const accumulator = o.add(n, o.mul(g, g));
    const strength = power(accumulator);
    const shrunk = o.add(g, o.mul(o.constant(2 * config.l2ShrinkageRegularizationStrength), x));
    const linear = o.add(z, o.sub(shrunk, o.mul(o.div(o.sub(strength, power(n)), learningRate), x)));
    const clipped = o.min(o.max(linear, o.neg(l1)), l1);
    const quadratic = o.add(o.div(strength, learningRate), o.mul(two, l2));
    return { x: o.div(o.sub(clipped, linear), quadratic), accumulator, linear };
  },
};
