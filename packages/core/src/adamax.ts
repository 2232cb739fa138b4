import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import { kindOf, type OptimizerDefinition } from './optimizer-definition.ts';
import type { OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { adamax, type AdamaxRuleConfig } from './rules/adamax.ts';

/** Options of {@link Adamax}: Keras's, in camelCase. */
export interface AdamaxOptions extends OptimizerOptions {
  /** Decay of the first moment; default 0.9. */
  readonly beta1?: number | undefined;
  /** Decay of the largest gradient; default 0.999. */
  readonly beta2?: number | undefined;
  /** Keeps the divisor from 0; default 1e-7. */
  readonly epsilon?: number | undefined;
}

/** {@link AdamaxOptions} with every default filled in, in Keras's order. */
export interface AdamaxConfig extends Config<AdamaxOptions> {
  /** The name given, or `"adamax"`. */
  readonly name: string;
}

const DEFINITION: OptimizerDefinition = {
  className: 'Adamax',
  name: 'adamax',
  options: {
    beta1: kindOf(0.9),
    beta2: kindOf(0.999),
    epsilon: kindOf(1e-7),
  },
  defaults: { learningRate: 0.001 },
  rule: adamax,
};

/**
 * Adamax: Adam scaled by the largest gradient in place of the second moment. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
 * m = m + (g - m) * (1 - beta1)
 * u = max(beta2 * u, |g|)
 * x = x - (learningRate * m) / ((1 - beta1 ^ n) * (u + epsilon))        n: which update it is, from 1
 * ```
 *
 * The default learning rate is 0.001. Every operation is rounded to the variable's type, in this order; slots are 0 at first.
 *
 * Source: `keras.optimizers.Adamax` 3.15.1; Kingma and Ba, 2014, section 7.
 *
 * @example
 * ```ts
 * import { Adamax } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new Adamax({ learningRate: 0.1 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class Adamax<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, AdamaxConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: AdamaxOptions, backend: Backend<V, G, M>, extras?: Extras<AdamaxRuleConfig>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link Adamax.constructor}, from what {@link Adamax.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: AdamaxOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<AdamaxRuleConfig>,
  ): Adamax<V, G, M> {
    return new Adamax(config, backend, extras);
  }
}
