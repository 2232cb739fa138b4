import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import { kindOf, type OptimizerDefinition } from './optimizer-definition.ts';
import type { OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { ftrl, type FtrlRuleConfig } from './rules/ftrl.ts';

/** Options of {@link Ftrl}: Keras's, in camelCase. */
export interface FtrlOptions extends OptimizerOptions {
  /** At most 0: how the rate falls; default -0.5. */
  readonly learningRatePower?: number | undefined;
  /** At least 0: what the accumulator is at first; default 0.1. */
  readonly initialAccumulatorValue?: number | undefined;
  /** At least 0; default 0. */
  readonly l1RegularizationStrength?: number | undefined;
  /** At least 0; default 0. */
  readonly l2RegularizationStrength?: number | undefined;
  /** At least 0: L2 on the gradient; default 0. */
  readonly l2ShrinkageRegularizationStrength?: number | undefined;
  /** Default 0. */
  readonly beta?: number | undefined;
}

/** {@link FtrlOptions} with every default filled in, in Keras's order. */
export interface FtrlConfig extends Config<FtrlOptions> {
  /** The name given, or `"ftrl"`. */
  readonly name: string;
}

const DEFINITION: OptimizerDefinition = {
  className: 'Ftrl',
  name: 'ftrl',
  options: {
    learningRatePower: kindOf({ default: -0.5, maximum: 0 }),
    initialAccumulatorValue: kindOf({ default: 0.1, minimum: 0 }),
    l1RegularizationStrength: kindOf({ default: 0, minimum: 0 }),
    l2RegularizationStrength: kindOf({ default: 0, minimum: 0 }),
    l2ShrinkageRegularizationStrength: kindOf({ default: 0, minimum: 0 }),
    beta: kindOf(0),
  },
  defaults: { learningRate: 0.001 },
  rule: ftrl,
};

/**
 * Follow the regularized leader: for large, sparse, linear models. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
 * l2 = l2RegularizationStrength + beta / (2 * learningRate),   q = -learningRatePower
 * n1 = n + g * g                             at first initialAccumulatorValue
 * z = z + (g + (2 * l2ShrinkageRegularizationStrength) * x) - ((n1 ^ q - n ^ q) / learningRate) * x
 * x = (clip(z, -l1, l1) - z) / (n1 ^ q / learningRate + 2 * l2),   n = n1
 * ```
 *
 * The default learning rate is 0.001. Every operation is rounded to the variable's type, in this order.
 *
 * Source: `keras.optimizers.Ftrl` 3.15.1; McMahan et al., 2013.
 *
 * @example
 * ```ts
 * import { Ftrl } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new Ftrl({ learningRate: 0.1 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class Ftrl<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, FtrlConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: FtrlOptions, backend: Backend<V, G, M>, extras?: Extras<FtrlRuleConfig>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link Ftrl.constructor}, from what {@link Ftrl.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: FtrlOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<FtrlRuleConfig>,
  ): Ftrl<V, G, M> {
    return new Ftrl(config, backend, extras);
  }
}
