import type { Spec } from './check.ts';
import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import { kindOf, type OptimizerDefinition } from './optimizer-definition.ts';
import type { OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { adam, type AdamRuleConfig } from './rules/adam.ts';

/** Options of {@link Adam}: Keras's, in camelCase. */
export interface AdamOptions extends OptimizerOptions {
  /** Decay of the first moment; default 0.9. */
  readonly beta1?: number | undefined;
  /** Decay of the second moment; default 0.999. */
  readonly beta2?: number | undefined;
  /** Keeps the divisor from 0; default 1e-7. */
  readonly epsilon?: number | undefined;
  /** Whether to divide by the largest second moment so far; default `false`. */
  readonly amsgrad?: boolean | undefined;
}

/** {@link AdamOptions} with every default filled in, in Keras's order. */
export interface AdamConfig extends Config<AdamOptions> {
  /** The name given, or `"adam"`. */
  readonly name: string;
}

/** How the options of the rule are checked. */
export const ADAM_OPTIONS: Spec = {
  beta1: kindOf(0.9),
  beta2: kindOf(0.999),
  epsilon: kindOf(1e-7),
  amsgrad: kindOf(false),
};

const DEFINITION: OptimizerDefinition = {
  className: 'Adam',
  name: 'adam',
  options: ADAM_OPTIONS,
  defaults: { learningRate: 0.001 },
  rule: adam,
};

/**
 * Adam: steps by the first moment, scaled by the second. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
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
 * Source: `keras.optimizers.Adam` 3.15.1; Kingma and Ba, 2014; amsgrad as in Reddi et al., 2018. Its epsilon is the "epsilon hat" of the paper, which is not that of PyTorch.
 *
 * @example
 * ```ts
 * import { Adam } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new Adam({ learningRate: 0.1 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class Adam<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, AdamConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: AdamOptions, backend: Backend<V, G, M>, extras?: Extras<AdamRuleConfig>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link Adam.constructor}, from what {@link Adam.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: AdamOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<AdamRuleConfig>,
  ): Adam<V, G, M> {
    return new Adam(config, backend, extras);
  }
}
