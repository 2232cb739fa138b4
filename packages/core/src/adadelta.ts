import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import { kindOf, type OptimizerDefinition } from './optimizer-definition.ts';
import type { OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { adadelta, type AdadeltaRuleConfig } from './rules/adadelta.ts';

/** Options of {@link Adadelta}: Keras's, in camelCase. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay of the averages; default 0.95. */
  readonly rho?: number | undefined;
  /** Keeps the roots from 0; default 1e-7. */
  readonly epsilon?: number | undefined;
}

/** {@link AdadeltaOptions} with every default filled in, in Keras's order. */
export interface AdadeltaConfig extends Config<AdadeltaOptions> {
  /** The name given, or `"adadelta"`. */
  readonly name: string;
}

const DEFINITION: OptimizerDefinition = {
  className: 'Adadelta',
  name: 'adadelta',
  options: {
    rho: kindOf(0.95),
    epsilon: kindOf(1e-7),
  },
  defaults: { learningRate: 0.001 },
  rule: adadelta,
};

/**
 * Adadelta: steps by the ratio of averages of squared changes and squared gradients. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
 * s = rho * s + (1 - rho) * (g * g)
 * u = -(sqrt(d + epsilon) * g) / sqrt(s + epsilon)
 * d = rho * d + (1 - rho) * (u * u)
 * x = x + learningRate * u
 * ```
 *
 * The default learning rate is 0.001. Every operation is rounded to the variable's type, in this order; slots are 0 at first.
 *
 * Source: `keras.optimizers.Adadelta` 3.15.1; Zeiler, 2012, where the learning rate is 1.
 *
 * @example
 * ```ts
 * import { Adadelta } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new Adadelta({ learningRate: 0.1 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class Adadelta<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, AdadeltaConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: AdadeltaOptions, backend: Backend<V, G, M>, extras?: Extras<AdadeltaRuleConfig>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link Adadelta.constructor}, from what {@link Adadelta.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: AdadeltaOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<AdadeltaRuleConfig>,
  ): Adadelta<V, G, M> {
    return new Adadelta(config, backend, extras);
  }
}
