import { ADAM_OPTIONS, type AdamOptions } from './adam.ts';
import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import type { OptimizerDefinition } from './optimizer-definition.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { adam, type AdamRuleConfig } from './rules/adam.ts';

/** Options of {@link AdamW}: Keras's, in camelCase. */
export interface AdamWOptions extends AdamOptions {
  /** Default 0.004; not null: without decay take `Adam`. */
  readonly weightDecay?: number | undefined;
}

/** {@link AdamWOptions} with every default filled in, in Keras's order. */
export interface AdamWConfig extends Config<AdamWOptions> {
  /** The name given, or `"adamw"`. */
  readonly name: string;
}

const DEFINITION: OptimizerDefinition = {
  className: 'AdamW',
  name: 'adamw',
  options: ADAM_OPTIONS,
  defaults: { learningRate: 0.001, weightDecay: 0.004 },
  rule: adam,
};

/**
 * Adam with decoupled weight decay, of 0.004 by default. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate
 * alpha = learningRate * sqrt(1 - beta2 ^ n) / (1 - beta1 ^ n)          n: which update it is, from 1
 * m = m + (g - m) * (1 - beta1)
 * v = v + (g * g - v) * (1 - beta2)
 * x = x - (m * alpha) / (sqrt(v) + epsilon)                             or, with amsgrad,
 * h = max(h, v)
 * x = x - (m * alpha) / (sqrt(h) + epsilon)
 * ```
 *
 * The default learning rate is 0.001. Every operation is rounded to the variable's type, in this order; slots are 0 at first.
 *
 * Source: `keras.optimizers.AdamW` 3.15.1; Loshchilov and Hutter, 2019.
 *
 * @example
 * ```ts
 * import { AdamW } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new AdamW({ learningRate: 0.1 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class AdamW<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, AdamWConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: AdamWOptions, backend: Backend<V, G, M>, extras?: Extras<AdamRuleConfig>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link AdamW.constructor}, from what {@link AdamW.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: AdamWOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<AdamRuleConfig>,
  ): AdamW<V, G, M> {
    return new AdamW(config, backend, extras);
  }
}
