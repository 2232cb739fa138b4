/**
 * Keras 3's SGD for TensorFlow.js: a drop-in `tf.Optimizer` for `compile` and `fit`, and an engine for `@sgd/core`.
 *
 * @packageDocumentation
 */
import { makeBackend, OPTIONS, type TfjsBackend, type TfjsOptions } from './backend.ts';
import { checkOptions } from '@sgd/core';
import { type Defined, defineSGD } from './define.ts';
import { own } from './own.ts';
import type {
  LossScaleOptimizer as LossScaleOptimizerInstance,
  LossScaleOptimizerConstructor,
  SGD as SGDInstance,
  SGDConstructor,
} from './types.ts';

const defined: Defined = /* @__PURE__ */ defineSGD(own);
// by a call that is pure, so that bundlers may leave out what is not used
const part = <K extends keyof Defined>(key: K): Defined[K] => defined[key];

/**
 * Keras's SGD as a `tf.Optimizer`, for `model.compile`, `fit`, `fitDataset`, `trainOnBatch`, `minimize` and `applyGradients`:
 *
 * ```text
 * x = x - (x * weightDecay) * learningRate     if weightDecay is set
 * momentum = 0:   x = x - g * learningRate
 * otherwise:      m = m * momentum - g * learningRate
 *                 x = x + m                                        or, with nesterov,
 *                 x = x + (m * momentum - g * learningRate)
 * ```
 *
 * Options are those of core's `SGD`: momentum, Nesterov, weight decay, clipping, averages, accumulation, loss scale, schedules. On
 * the engines `cpu` and `wasm` the numbers are Keras's to the bit, given the same gradients; on `webgl` and `webgpu` within a few
 * units in the last place. Variables are float32. `new SGD(options, extras)` throws `SgdError` `SGD_INVALID_OPTION`.
 *
 * Source: `keras.optimizers.SGD` 3.16.
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new SGD({ learningRate: 0.1, momentum: 0.9, globalClipnorm: 1 }), loss: 'meanSquaredError' });
 * ```
 */
export const SGD: SGDConstructor = /* @__PURE__ */ part('SGD');
/** An {@link SGD}. */
export type SGD = SGDInstance;

/**
 * Keras's dynamic loss scaling around an {@link SGD}, as a `tf.Optimizer`. `minimize`, and so `fit`, scale the loss before it is
 * differentiated; the loss that they give is not scaled. A step with a gradient that is not finite is dropped and halves the scale.
 * Not on `webgpu`, which can't read the answer within the step: `SGD_UNSUPPORTED`.
 *
 * Source: `keras.optimizers.LossScaleOptimizer` 3.16.
 */
export const LossScaleOptimizer: LossScaleOptimizerConstructor = /* @__PURE__ */ part('LossScaleOptimizer');
/** A {@link LossScaleOptimizer}. */
export type LossScaleOptimizer = LossScaleOptimizerInstance;

/**
 * Makes models that were saved with an {@link SGD} or {@link LossScaleOptimizer} load: registers both classes with tfjs. Whatever else
 * uses one of them has done it; a page that only loads models calls this, since bundlers leave out an import that is not used.
 */
export const registerSGD: () => void = /* @__PURE__ */ part('registerSGD');

/**
 * Makes models that Python Keras saved with an `SGD` or `LossScaleOptimizer` load with these classes, and so with their momentum,
 * Nesterov, decay, schedule and limits, which tfjs's own class of that name drops. It replaces tfjs's for all that is loaded
 * afterwards.
 */
export const registerAsKerasSGD: () => void = /* @__PURE__ */ part('registerAsKerasSGD');

/**
 * TensorFlow.js as an engine of core's optimizers: variables are `tf.Variable`s, updated by `assign`, gradients `tf.Tensor`s of
 * float32. It works on the engine that tfjs is on at each step, and goes on when that is switched; `path()` tells which way a step
 * takes there.
 *
 * `supports` has all features but `float64`; while tfjs is on `webgpu`, which can't read values within a call, `finite-check` and
 * `constraint` are left out. `tolerance` is 0 on `cpu` and `wasm`. A step throws, before anything is written, `SGD_DETACHED` for a
 * variable that was disposed of, and `SGD_BACKEND` when the device or context was lost.
 *
 * @throws SgdError `SGD_INVALID_OPTION`: an unknown option
 */
export function tfjs(options: TfjsOptions = {}): TfjsBackend {
  checkOptions(options, ['tf', ...OPTIONS], 'tfjs');
  return makeBackend(options.tf ?? own, options);
}

export {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
  SgdError,
} from '@sgd/core';
export type { PathInfo } from './paths.ts';
export type { TensorFlow } from './tf.ts';
export type { FitCallback, KerasOptimizer, ModelWithWeights, TfjsExtras } from './types.ts';
export type { TfjsBackend, TfjsOptions };
