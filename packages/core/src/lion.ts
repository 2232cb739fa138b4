import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import type { Extras } from './extras.ts';
import { kindOf, type OptimizerDefinition } from './optimizer-definition.ts';
import type { OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { lion } from './rules/lion.ts';
import type { Betas } from './rules/moments.ts';

/** Options of {@link Lion}: Keras's, in camelCase. */
export interface LionOptions extends OptimizerOptions {
  /** How much of the momentum is in the step; default 0.9. */
  readonly beta1?: number | undefined;
  /** Decay of the momentum; default 0.99. */
  readonly beta2?: number | undefined;
}

/** {@link LionOptions} with every default filled in, in Keras's order. */
export interface LionConfig extends Config<LionOptions> {
  /** The name given, or `"lion"`. */
  readonly name: string;
}

const DEFINITION: OptimizerDefinition = {
  className: 'Lion',
  name: 'lion',
  options: {
    beta1: kindOf(0.9),
    beta2: kindOf(0.99),
  },
  defaults: { learningRate: 0.001 },
  rule: lion,
};

/**
 * Lion: steps by the sign of a momentum; a tenth of the rate of Adam is usual. For a variable `x` with gradient `g`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
 * x = x - learningRate * sign(m * beta1 + g * (1 - beta1))
 * m = m * beta2 + g * (1 - beta2)
 * ```
 *
 * The default learning rate is 0.001. Every operation is rounded to the variable's type, in this order; slots are 0 at first.
 *
 * Source: `keras.optimizers.Lion` 3.15.1; Chen et al., 2023.
 *
 * @example
 * ```ts
 * import { Lion } from '@sgd/core';
 * import { cpu } from '@sgd/cpu';
 *
 * const weights = new Float32Array([1, 2, 3]);
 * const optimizer = new Lion({ learningRate: 0.1 }, cpu());
 * optimizer.build({ weights });
 * optimizer.apply({ weights: new Float32Array([1, 1, 1]) });
 * ```
 */
export class Lion<V, G = V, M extends Mode = Mode> extends RuleOptimizer<V, G, M, LionConfig> {
  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: LionOptions, backend: Backend<V, G, M>, extras?: Extras<Betas>) {
    super(DEFINITION, options, backend, extras);
  }

  /** As {@link Lion.constructor}, from what {@link Lion.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: LionOptions,
    backend: Backend<V, G, M>,
    extras?: Extras<Betas>,
  ): Lion<V, G, M> {
    return new Lion(config, backend, extras);
  }
}
