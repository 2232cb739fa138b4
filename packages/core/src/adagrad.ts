import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import { kindOf, type OptimizerDefinition } from './optimizer-definition.ts';
import type { OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { adagrad, type AdagradRuleConfig } from './rules/adagrad.ts';

/** Options of {@link Adagrad}: Keras's, in camelCase. */
export interface AdagradOptions extends OptimizerOptions {
  /** What the accumulator is at first; default 0.1. */
  readonly initialAccumulatorValue?: number | undefined;
  /** Keeps the divisor from 0; default 1e-7. */
  readonly epsilon?: number | undefined;
}

/** {@link AdagradOptions} with every default filled in, in Keras's order. */
export interface AdagradConfig extends Config<AdagradOptions> {
  /** The name given, or `"adagrad"`. */
  readonly name: string;
}

const DEFINITION: OptimizerDefinition = {
  className: 'Adagrad',
  name: 'adagrad',
  options: {
    initialAccumulatorValue: kindOf(0.1),
    epsilon: kindOf(1e-7),
  },
  defaults: { learningRate: 0.001 },
  rule: adagrad,
};

/**
 * Adagrad: steps scaled by the sum of all squared gradients. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
 * a = a + g * g                              at first initialAccumulatorValue
 * x = x - (learningRate * g) / sqrt(a + epsilon)
 * ```
 *
 * The default learning rate is 0.001. Every operation is rounded to the variable's type, in this order.
 *
 * Source: `keras.optimizers.Adagrad` 3.15.1; Duchi et al., 2011.
 *
 * @example
 * ```ts
 * import { Adagrad } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new Adagrad({ learningRate: 0.1 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class Adagrad<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, AdagradConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: AdagradOptions, backend: Backend<V, G, M>, extras?: Extras<AdagradRuleConfig>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link Adagrad.constructor}, from what {@link Adagrad.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: AdagradOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<AdagradRuleConfig>,
  ): Adagrad<V, G, M> {
    return new Adagrad(config, backend, extras);
  }
}
