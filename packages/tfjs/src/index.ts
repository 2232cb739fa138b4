/**
 * Keras 3's SGD for TensorFlow.js: a drop-in `tf.Optimizer` for `compile` and `fit`, and an engine for `@sgd/core`.
 *
 * @packageDocumentation
 */
import { makeBackend, type TfjsBackend, type TfjsOptions } from './backend.ts';
import { type Defined, defineSGD } from './define.ts';
import { own } from './own.ts';
import type * as types from './types.ts';

const defined: Defined = /* @__PURE__ */ defineSGD(own);

/** {@inheritDoc types.SGD} */
export const SGD: types.SGDConstructor = defined.SGD;
export type SGD = types.SGD;
export const LossScaleOptimizer: types.LossScaleOptimizerConstructor = defined.LossScaleOptimizer;
export type LossScaleOptimizer = types.LossScaleOptimizer;
export const registerAsKerasSGD: () => void = defined.registerAsKerasSGD;

export function tfjs(options: TfjsOptions = {}): TfjsBackend {
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
export type { TfjsBackend, TfjsOptions };
export type { PathInfo } from './paths.ts';
export type { KerasOptimizer, ModelWithWeights, TfjsExtras } from './types.ts';
