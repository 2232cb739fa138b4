import type { Config } from './config.ts';
import type { Backend, FloatArray, HostTensor, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import { kindOf, type OptimizerDefinition } from './optimizer-definition.ts';
import type { OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { sgd, type SGDRuleConfig } from './rules/sgd.ts';

/** Options of {@link SGD}: Keras's, in camelCase. */
export interface SGDOptions extends OptimizerOptions {
  /** From 0 to 1; default 0: plain gradient descent, without a slot. */
  readonly momentum?: number | undefined;
  /** Whether to look ahead along the momentum; default `false`. Ignored when `momentum` is 0. */
  readonly nesterov?: boolean | undefined;
}

/** {@link SGDOptions} with every default filled in, in Keras's order. */
export interface SGDConfig extends Config<SGDOptions> {
  /** The name given, or `"sgd"`. */
  readonly name: string;
}

const DEFINITION: OptimizerDefinition = {
  className: 'SGD',
  name: 'sgd',
  options: { momentum: kindOf({ default: 0, minimum: 0, maximum: 1 }), nesterov: kindOf(false) },
  defaults: { learningRate: 0.01 },
  rule: sgd,
};

/**
 * Stochastic gradient descent with momentum. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
 * momentum = 0:   x = x - g * learningRate
 * otherwise:      m = m * momentum - g * learningRate
 *                 x = x + m                                        or, with nesterov,
 *                 x = x + (m * momentum - g * learningRate)
 * ```
 *
 * Every operation is rounded to the variable's type, in this order: on a backend of tolerance 0 the numbers are Keras's to the bit.
 *
 * Source: `keras.optimizers.SGD` 3.16; Nesterov's form as in Sutskever et al., 2013.
 *
 * @example
 * ```ts
 * import { SGD } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new SGD({ learningRate: 0.1, momentum: 0.9 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class SGD<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, SGDConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: SGDOptions, backend: Backend<V, G, M>, extras?: Extras<SGDRuleConfig>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link SGD.constructor}, from what {@link SGD.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: SGDOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<SGDRuleConfig>,
  ): SGD<V, G, M> {
    return new SGD(config, backend, extras);
  }
}

/** A typed array, bare or with a shape: what `cpu()` and `wasm()` take as variables and as gradients. */
export type ArrayTensor = FloatArray | HostTensor;

/** An SGD on typed arrays: what `new SGD(options, cpu())` and `new SGD(options, await wasm())` make. */
export type ArraySGD = SGD<ArrayTensor, ArrayTensor, 'sync'>;
