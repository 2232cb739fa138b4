import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import { kindOf, type OptimizerDefinition } from './optimizer-definition.ts';
import type { OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { rmsprop, type RMSpropRuleConfig } from './rules/rmsprop.ts';

/** Options of {@link RMSprop}: Keras's, in camelCase. */
export interface RMSpropOptions extends OptimizerOptions {
  /** Decay of the averages; default 0.9. */
  readonly rho?: number | undefined;
  /** Default 0: no momentum, without a slot. */
  readonly momentum?: number | undefined;
  /** Keeps the divisor from 0; default 1e-7. */
  readonly epsilon?: number | undefined;
  /** Whether to scale by the variance in place of the second moment; default `false`. */
  readonly centered?: boolean | undefined;
}

/** {@link RMSpropOptions} with every default filled in, in Keras's order. */
export interface RMSpropConfig extends Config<RMSpropOptions> {
  /** The name given, or `"rmsprop"`. */
  readonly name: string;
}

const DEFINITION: OptimizerDefinition = {
  className: 'RMSprop',
  name: 'rmsprop',
  options: {
    rho: kindOf(0.9),
    momentum: kindOf(0),
    epsilon: kindOf(1e-7),
    centered: kindOf(false),
  },
  defaults: { learningRate: 0.001 },
  rule: rmsprop,
};

/**
 * RMSprop: steps scaled by a moving average of squared gradients. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
 * v = rho * v + (1 - rho) * (g * g)
 * d = v + epsilon                            or, centered,
 * a = rho * a + (1 - rho) * g,   d = (v - a * a) + epsilon
 * u = (learningRate * g) / sqrt(d)
 * x = x - u                                  or, with momentum,
 * m = momentum * m + u,          x = x - m
 * ```
 *
 * The default learning rate is 0.001. Every operation is rounded to the variable's type, in this order; slots are 0 at first.
 *
 * Source: `keras.optimizers.RMSprop` 3.15.1; Hinton, 2012.
 *
 * @example
 * ```ts
 * import { RMSprop } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new RMSprop({ learningRate: 0.1 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class RMSprop<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, RMSpropConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: RMSpropOptions, backend: Backend<V, G, M>, extras?: Extras<RMSpropRuleConfig>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link RMSprop.constructor}, from what {@link RMSprop.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: RMSpropOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<RMSpropRuleConfig>,
  ): RMSprop<V, G, M> {
    return new RMSprop(config, backend, extras);
  }
}
