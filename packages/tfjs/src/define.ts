import {
  checkOptions,
  LossScaleOptimizer as CoreLossScaleOptimizer,
  type LossScaleOptions,
  type Measured,
  SGD as CoreSGD,
  SgdError,
} from '@sgd/core';
import type { LearningRate, SGDOptions, WeightDecayExclusion } from '@sgd/core';
import type { NamedTensorMap, Scalar, serialization } from '@tensorflow/tfjs-core';
import { makeBackend, OPTIONS, type TfjsBackend, type TfjsOptions, toConsole } from './backend.ts';
import { callbacksOf } from './callbacks.ts';
import { optionsFrom, rateToConfig } from './config.ts';
import { type Core, Driver } from './driver.ts';
import { AverageWatch, type Fit, followFits, onFit } from './fits.ts';
import { gradientsOf } from './gradients.ts';
import { type Handle, makeHost } from './handles.ts';
import { choosePath, type PathInfo } from './paths.ts';
import type { Tensor, TensorFlowWithOptimizers, Variable } from './tf.ts';
import type {
  FitCallback,
  LossScaleOptimizer,
  LossScaleOptimizerConstructor,
  ModelWithWeights,
  SGD,
  SGDConstructor,
  TfjsExtras,
} from './types.ts';
import { type NamedTensor, slotsOf } from './weights.ts';

/** What {@link defineSGD} makes for a copy of TensorFlow.js. */
export interface Defined {
  /** Keras's SGD as an optimizer of `tf`. */
  readonly SGD: SGDConstructor;
  /** The wrapper that scales the loss, likewise. */
  readonly LossScaleOptimizer: LossScaleOptimizerConstructor;
  /** See the function of this name of `@sgd/tfjs`. Not needed here: `defineSGD` has done it. */
  readonly registerSGD: () => void;
  /** See the function of this name of `@sgd/tfjs`. */
  readonly registerAsKerasSGD: () => void;
  /** The engine for core's optimizers. */
  readonly tfjs: (options?: Omit<TfjsOptions, 'tf'>) => TfjsBackend;
}

/** All of {@link TfjsExtras}, for the names that a misspelt one may mean. */
const EXTRAS = ['groups', 'nonFinite', 'measure', 'onWarning', ...OPTIONS] satisfies (keyof TfjsExtras)[];

type CoreSgd = CoreSGD<Handle, Tensor, 'sync'>;
type Named = readonly { readonly name: string; readonly tensor?: unknown }[];
interface Made<T extends Core> {
  readonly driver: Driver;
  readonly core: T;
  /** Whether groups may give slots that the options don't. */
  readonly groups: boolean;
  readonly watch: AverageWatch;
}

/**
 * The optimizers for a given copy of TensorFlow.js: the global `tf` of script tags, or one of several copies of tfjs-core. Imports
 * no tfjs itself. The classes are registered with that copy, so that models saved with them can be loaded. Where tfjs-layers is a part of
 * it, every `fit` ends with the averages in the weights and applies the constraints of layers, without callbacks.
 *
 * @param tf - the module `@tensorflow/tfjs` or `@tensorflow/tfjs-core`, or `{ ...tf, ...layers }`
 */
export function defineSGD(tf: TensorFlowWithOptimizers): Defined {
  abstract class Drivable<T extends Core> extends tf.Optimizer {
    readonly #made: Made<T>;
    readonly #exact: boolean;

    constructor(made: Made<T>, exact: boolean) {
      super();
      this.#made = made;
      this.#exact = exact;
      onFit(this, this.#fit());
    }

    // tf.Optimizer takes whatever has its methods for an instance, and passes that on
    static override [Symbol.hasInstance](value: unknown): boolean {
      return Function.prototype[Symbol.hasInstance].call(this, value);
    }

    get core(): T {
      return this.#made.core;
    }

    get made(): Made<T> {
      return this.#made;
    }

    get exact(): boolean {
      return this.#exact;
    }

    override get iterations(): number {
      return this.core.iterations;
    }

    get built(): boolean {
      return this.core.built;
    }

    get learningRate(): number {
      return this.core.learningRate;
    }

    set learningRate(rate: LearningRate) {
      this.core.learningRate = rate as number;
    }

    setLearningRate(rate: LearningRate): void {
      this.learningRate = rate as number;
    }

    build(variables: readonly Variable[]): void {
      this.#made.driver.build(variables);
    }

    override minimize(f: () => Scalar, returnCost?: boolean, varList?: Variable[]): Scalar | null {
      // gradients are freed also when the step is refused
      const cost = tf.tidy(() => super.minimize(f, returnCost, varList) as Scalar);
      this.#made.watch.stepped(cost);
      return cost;
    }

    override computeGradients(f: () => Scalar, varList?: Variable[]): { value: Scalar; grads: NamedTensorMap } {
      return gradientsOf(tf, f, varList, this.core.scaleLoss(1));
    }

    override applyGradients(gradients: NamedTensorMap | Named): void {
      const list = Array.isArray(gradients)
        ? (gradients as Named)
        : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
      this.#made.driver.apply(list);
    }

    callbacks(...others: readonly object[]): FitCallback[] {
      this.#made.watch.known();
      return callbacksOf(others, this.#fit());
    }

    #fit(): Fit {
      return {
        begin: (model) => {
          this.#made.watch.known();
          this.constrain(model);
        },
        end: () => this.finalize(),
      };
    }

    constrain(model: ModelWithWeights): void {
      this.#made.driver.constrain(model.weights);
    }

    finalize(): void {
      this.#made.watch.known();
      this.#made.driver.finalize();
    }

    swapAverages(): void {
      this.#made.watch.known();
      this.core.swapAverages();
    }

    excludeFromWeightDecay(what: WeightDecayExclusion<Variable>): void {
      this.#made.driver.exclude(what);
    }

    measured(): Promise<Measured> {
      return this.core.measured();
    }

    path(): PathInfo {
      const { engine, path, why } = choosePath(tf, this.#exact);
      return { engine, path, why };
    }

    scaleLoss(loss: number): number {
      return this.core.scaleLoss(loss);
    }

    override getWeights(): Promise<NamedTensor[]> {
      return this.#made.driver.getWeights();
    }

    override setWeights(weights: readonly NamedTensor[]): Promise<void> {
      const { groups, driver } = this.#made;
      return driver.setWeights(weights, groups ? null : slotsOf(this.options()));
    }

    /** Of the SGD, wrapped or not. */
    abstract options(): ReturnType<CoreSgd['getConfig']>;

    override dispose(): void {
      this.#made.driver.dispose();
    }
  }

  class KerasSGD extends Drivable<CoreSgd> {
    static readonly className: string = 'KerasSGD';

    constructor(options: SGDOptions = {}, given: TfjsExtras = {}) {
      checkOptions(given, EXTRAS, 'extras');
      const { exact = false, warn, ...extras } = given;
      const host = makeHost(tf, { exact, warn });
      const core = new CoreSGD(options, host.backend, extras);
      const watch = new AverageWatch(core.getConfig().useEma, warn ?? toConsole);
      super({ driver: new Driver(tf, host, core), core, groups: !!extras.groups?.length, watch }, exact);
    }

    /** The host is the wrapper's from then on. */
    wrapped(options: LossScaleOptions): Made<CoreLossScaleOptimizer<Handle, Tensor, 'sync'>> {
      const core = new CoreLossScaleOptimizer(this.core, options);
      return { ...this.made, driver: this.made.driver.of(core), core };
    }

    override options(): ReturnType<CoreSgd['getConfig']> {
      return this.core.getConfig();
    }

    override getConfig(): serialization.ConfigDict {
      const config = this.options();
      return { ...config, learningRate: rateToConfig(config.learningRate) } as unknown as serialization.ConfigDict;
    }

    static override fromConfig<T extends serialization.Serializable>(
      cls: serialization.SerializableConstructor<T>,
      config: serialization.ConfigDict,
    ): T {
      return new cls(optionsFrom(config));
    }
  }

  class KerasLossScaleOptimizer extends Drivable<CoreLossScaleOptimizer<Handle, Tensor, 'sync'>> {
    static readonly className: string = 'KerasLossScaleOptimizer';
    readonly inner: KerasSGD;

    constructor(inner: KerasSGD, options: LossScaleOptions = {}) {
      if (!(inner instanceof KerasSGD))
        throw new SgdError('SGD_INVALID_OPTION', 'the optimizer to wrap: expected an SGD of @sgd/tfjs');
      super(inner.wrapped(options), inner.exact);
      this.inner = inner;
    }

    get dynamicScale(): number {
      return this.core.dynamicScale;
    }

    get stepCounter(): number {
      return this.core.stepCounter;
    }

    override options(): ReturnType<CoreSgd['getConfig']> {
      return this.inner.options();
    }

    override getConfig(): serialization.ConfigDict {
      const { inner } = this;
      const { name, initialScale, dynamicGrowthSteps } = this.core.getConfig();
      const innerOptimizer = { className: inner.getClassName(), config: inner.getConfig() };
      return { name, innerOptimizer, initialScale, dynamicGrowthSteps };
    }

    static override fromConfig<T extends serialization.Serializable>(
      cls: serialization.SerializableConstructor<T>,
      config: serialization.ConfigDict,
    ): T {
      const { innerOptimizer, ...options } = optionsFrom(config);
      const { config: inner = {} } = (innerOptimizer ?? {}) as { config?: serialization.ConfigDict };
      return new cls(KerasSGD.fromConfig(KerasSGD, { ...inner, lossScaleFactor: null }), options);
    }
  }

  const registerSGD = (): void => {
    tf.serialization.registerClass(KerasSGD);
    tf.serialization.registerClass(KerasLossScaleOptimizer);
  };
  registerSGD();
  followFits(tf);

  return {
    SGD: KerasSGD as unknown as SGDConstructor,
    LossScaleOptimizer: KerasLossScaleOptimizer as unknown as LossScaleOptimizerConstructor,
    registerSGD,
    registerAsKerasSGD() {
      tf.serialization.registerClass(
        class extends KerasSGD {
          static override readonly className = 'SGD';
        },
      );
      tf.serialization.registerClass(
        class extends KerasLossScaleOptimizer {
          static override readonly className = 'LossScaleOptimizer';
        },
      );
    },
    tfjs(options = {}) {
      checkOptions(options, OPTIONS, 'tfjs');
      return makeBackend(tf, options);
    },
  };
}
export type { LossScaleOptimizer, SGD };
