import { BOOLEAN, type Spec, UNIT } from './check.ts';
import type { Config } from './config.ts';
import type { Backend, FloatArray, HostTensor, Mode } from './contract.ts';
import { type Extras, resolveExtras } from './extras.ts';
import { makeMachine } from './machine.ts';
import { machineOf, Optimizer } from './optimizer.ts';
import { type OptimizerOptions, resolveOptions } from './options.ts';
import { once } from './warnings.ts';

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

const OWN: Spec = { momentum: [0, ...UNIT], nesterov: [false, ...BOOLEAN] };

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
export class SGD<V, G = V, M extends Mode = Mode> extends Optimizer<V, G, M> {
  readonly className = 'SGD';
  readonly #config: SGDConfig;

  /**
   * @param options - Keras's options
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - what Keras does not have: groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, of another type or out of range; `SGD_CONTRACT`
   */
  constructor(options: SGDOptions, backend: Backend<V, G, M>, extras: Extras = {}) {
    const checked = resolveExtras(extras);
    const warn = once(checked.onWarning);
    const config = resolveOptions<SGDConfig>(options, 'sgd', OWN, warn);
    super(makeMachine(backend, config, checked, warn), config.name);
    this.#config = config;
  }

  /** As {@link SGD.constructor}, from what {@link SGD.getConfig} gives. */
  static fromConfig<V, G, M extends Mode>(
    config: SGDOptions,
    backend: Backend<V, G, M>,
    extras?: Extras,
  ): SGD<V, G, M> {
    return new SGD(config, backend, extras);
  }

  /** The options. `learningRate` is the number in force, in float32, or the schedule or function. */
  override getConfig(): SGDConfig {
    return { ...this.#config, learningRate: machineOf(this).rate };
  }

  /** `loss * lossScaleFactor`, or the loss where that is null. */
  override scaleLoss(loss: number): number {
    return loss * (this.#config.lossScaleFactor ?? 1);
  }
}

/** A typed array, bare or with a shape: what `cpu()` and `wasm()` take as variables and as gradients. */
export type ArrayTensor = FloatArray | HostTensor;

/** An SGD on typed arrays: what `new SGD(options, cpu())` and `new SGD(options, await wasm())` make. */
export type ArraySGD = SGD<ArrayTensor, ArrayTensor, 'sync'>;
