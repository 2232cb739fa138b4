import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import { kindOf, type OptimizerDefinition } from './optimizer-definition.ts';
import type { OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { lamb, type LambRuleConfig } from './rules/lamb.ts';

/** Options of {@link Lamb}: Keras's, in camelCase. */
export interface LambOptions extends OptimizerOptions {
  /** Decay of the first moment; default 0.9. */
  readonly beta1?: number | undefined;
  /** Decay of the second moment; default 0.999. */
  readonly beta2?: number | undefined;
  /** Keeps the divisor from 0; default 1e-7. */
  readonly epsilon?: number | undefined;
}

/** {@link LambOptions} with every default filled in, in Keras's order. */
export interface LambConfig extends Config<LambOptions> {
  /** The name given, or `"lamb"`. */
  readonly name: string;
}

const DEFINITION: OptimizerDefinition = {
  className: 'Lamb',
  name: 'lamb',
  options: {
    beta1: kindOf(0.9),
    beta2: kindOf(0.999),
    epsilon: kindOf(1e-7),
  },
  defaults: { learningRate: 0.001 },
  rule: lamb,
};

/**
 * Lamb: Adam's direction, as long as the variable is: for very large batches. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
 * m = m + (g - m) * (1 - beta1)
 * v = v + (g * g - v) * (1 - beta2)
 * u = (m / (1 - beta1 ^ n)) / (sqrt(v / (1 - beta2 ^ n)) + epsilon)     n: which update it is, from 1
 * ratio = |x| / |u|, or 1 where either norm is 0
 * x = x - (ratio * learningRate) * u
 * ```
 *
 * The default learning rate is 0.001. Every operation is rounded to the variable's type, in this order; slots are 0 at first.
 *
 * Source: `keras.optimizers.Lamb` 3.15.1; You et al., 2019.
 *
 * @example
 * ```ts
 * import { Lamb } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new Lamb({ learningRate: 0.1 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class Lamb<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, LambConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: LambOptions, backend: Backend<V, G, M>, extras?: Extras<LambRuleConfig>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link Lamb.constructor}, from what {@link Lamb.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: LambOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<LambRuleConfig>,
  ): Lamb<V, G, M> {
    return new Lamb(config, backend, extras);
  }
}
