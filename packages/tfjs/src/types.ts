import type { Extras, LearningRate, LossScaleOptions, Measured, SGDOptions, WeightDecayExclusion } from '@sgd/core';
import type { NamedTensorMap, Optimizer, serialization } from '@tensorflow/tfjs-core';
import type { TfjsOptions } from './backend.ts';
import type { PathInfo } from './paths.ts';
import type { LayerWeight } from './handles.ts';
import type { NamedTensor } from './weights.ts';
import type { Variable } from './tf.ts';

/** What Keras's SGD does not have: core's extras, and those of the engine. */
export interface TfjsExtras extends Extras, Pick<TfjsOptions, 'exact' | 'warn'> {}

/** A callback for `fit`, as `tf.CustomCallbackArgs`. */
export interface FitCallback {
  /** Puts the averages into the weights. */
  onTrainEnd(): Promise<void>;
}

/** A model of tfjs-layers, as far as it matters here. */
export interface ModelWithWeights {
  /** All of them, those that are not trained among them. */
  readonly weights: readonly LayerWeight[];
}

/** What both drop-in optimizers have beside the members of `tf.Optimizer`. */
export interface KerasOptimizer extends Optimizer {
  /** The rate of the next step, in float32. A number replaces a number; a schedule or function anything. */
  get learningRate(): number;
  /** A number, a schedule, or a function; in force from the next step on. */
  set learningRate(rate: LearningRate);
  /** As the setter; tfjs's own optimizers have it under this name. */
  setLearningRate(rate: LearningRate): void;
  /** Whether variables were given, or weights loaded. */
  readonly built: boolean;
  /**
   * Makes the slots for these variables, before the first step; without it the first step does, for those that it is given. A variable
   * that comes later is refused with `SGD_UNKNOWN_VARIABLE`.
   */
  build(variables: readonly Variable[]): void;
  /** One step. A variable whose tensor is null, or that is not named, is left as it is. */
  applyGradients(gradients: NamedTensorMap | readonly { readonly name: string; readonly tensor?: unknown }[]): void;
  /**
   * Callbacks for `model.fit` and `model.fitDataset`: at the end of training, also an early one, the weights become their averages
   * (with `useEma`), and the constraints of the model's layers are applied after each step. Hand in callbacks of your own, such as
   * `tf.callbacks.earlyStopping()`; in a list that you make, these go last. Without them, a `fit` with `useEma` is warned of once;
   * classes of `defineSGD` that was given tfjs-layers, too, do without.
   */
  callbacks(...others: readonly object[]): FitCallback[];
  /** Applies the constraints of the model's layers after each step; for `trainOnBatch` and loops without {@link KerasOptimizer.callbacks}. */
  constrain(model: ModelWithWeights): void;
  /** Puts the averages into the variables. Nothing happens without `useEma`, or before the first step. */
  finalize(): void;
  /** Variables and averages change places: evaluate on the averages, call it again, and train on. */
  swapAverages(): void;
  /** Leaves variables out of weight decay; before the first step. */
  excludeFromWeightDecay(what: WeightDecayExclusion<Variable>): void;
  /** The norms that `extras.measure` asked for, of the last update. */
  measured(): Promise<Measured>;
  /** Which way a step takes on the engine of now, and why. */
  path(): PathInfo;
  /** What a loss is multiplied by before it is differentiated; `minimize` and `computeGradients` do it themselves. */
  scaleLoss(loss: number): number;
  /** The live tensors of the optimizer, in Keras's order, and a list of what they are for. They stay the optimizer's. */
  getWeights(): Promise<NamedTensor[]>;
  /**
   * Goes on from {@link KerasOptimizer.getWeights} of an optimizer with the same options: the values are copied. Unbuilt, it takes
   * its variables from the next step, by name or, where the names are others, by order and shape.
   *
   * @throws SgdError `SGD_STATE_MISMATCH`: with what does not fit; nothing is changed then
   */
  setWeights(weights: readonly NamedTensor[]): Promise<void>;
}

/** Keras's SGD as a `tf.Optimizer`. */
export interface SGD extends KerasOptimizer {
  /** Keras's options under tfjs's names; what the constructor takes, and `model.save` saves. */
  getConfig(): serialization.ConfigDict;
}

/** Keras's dynamic loss scaling around an {@link SGD}, as a `tf.Optimizer`. */
export interface LossScaleOptimizer extends KerasOptimizer {
  /** The optimizer that was wrapped; it is called no more. */
  readonly inner: SGD;
  /** What gradients are divided by in the next step. */
  readonly dynamicScale: number;
  /** Finite steps since the scale last changed. */
  readonly stepCounter: number;
}

/** As tfjs has it: `SGD.fromConfig(SGD, optimizer.getConfig())`. */
type FromConfig = <T extends serialization.Serializable>(
  cls: new (...args: never[]) => T,
  config: serialization.ConfigDict,
) => T;

/** The class {@link SGD}. */
export interface SGDConstructor {
  new (options?: SGDOptions, extras?: TfjsExtras): SGD;
  readonly prototype: SGD;
  readonly className: string;
  /** An optimizer from what `getConfig` gives, or Python saved. */
  readonly fromConfig: FromConfig;
}

/** The class {@link LossScaleOptimizer}. */
export interface LossScaleOptimizerConstructor {
  new (inner: SGD, options?: LossScaleOptions): LossScaleOptimizer;
  readonly prototype: LossScaleOptimizer;
  readonly className: string;
  /** An optimizer from what `getConfig` gives, or Python saved. */
  readonly fromConfig: FromConfig;
}
