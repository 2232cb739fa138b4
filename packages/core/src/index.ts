/**
 * Keras 3's optimizers for JavaScript, on any engine: `@sgd/core` decides what happens at each step, a backend does it.
 *
 * @packageDocumentation
 */
export { checkOptions } from './check.ts';
export { nonNegative } from './constraints.ts';
export type {
  Backend,
  Clip,
  Constraint,
  DType,
  Entry,
  Feature,
  FloatArray,
  HostTensor,
  Measure,
  Measured,
  Mode,
  Program,
  ProgramVariable,
  Rates,
  Result,
  Session,
  Slot,
  Step,
  WriteEntry,
} from './contract.ts';
export type { Config } from './config.ts';
export type { BuildOptions, WeightDecayExclusion } from './build.ts';
export { type DefinedOptimizer, defineOptimizer, type NewOptimizer, type OptimizerClass } from './define-optimizer.ts';
export { deserialize, deserializeSchedule } from './deserialize.ts';
export { SgdError, type SgdErrorCode } from './errors.ts';
export type { Extras } from './extras.ts';
export type { Gradients } from './step.ts';
export type { GroupOptions, ParameterGroup } from './groups.ts';
export type { LearningRate } from './learning-rate.ts';
export {
  type LossScaleConfig,
  type LossScaleFromConfig,
  LossScaleOptimizer,
  type LossScaleOptions,
} from './loss-scale-optimizer.ts';
export type { Optimizer } from './optimizer.ts';
export type { OptionSpec, OptionValues } from './optimizer-definition.ts';
export type { RuleOptimizer } from './rule-optimizer.ts';
export type { AnyRule, Operation, Ops, Rule, SlotSpec, StepScalar } from './rules/rule.ts';
export type { SGDRuleConfig } from './rules/sgd.ts';
export type { OptimizerVariable } from './optimizer-variables.ts';
export type { OptimizerConfig, OptimizerOptions } from './options.ts';
export { CosineDecay, type CosineDecayConfig, type CosineDecayOptions } from './schedules/cosine.ts';
export { type DecayConfig, type DecayOptions, ExponentialDecay, InverseTimeDecay } from './schedules/decay.ts';
export {
  PiecewiseConstantDecay,
  type PiecewiseConstantDecayConfig,
  type PiecewiseConstantDecayOptions,
} from './schedules/piecewise.ts';
export { PolynomialDecay, type PolynomialDecayConfig, type PolynomialDecayOptions } from './schedules/polynomial.ts';
export {
  CosineDecayRestarts,
  type CosineDecayRestartsConfig,
  type CosineDecayRestartsOptions,
} from './schedules/restarts.ts';
export type { Schedule } from './schedules/schedule.ts';
export { type KerasObject, type Serializable, serialize } from './serialize.ts';
export { Adadelta, type AdadeltaConfig, type AdadeltaOptions } from './adadelta.ts';
export { Adagrad, type AdagradConfig, type AdagradOptions } from './adagrad.ts';
export { Adam, type AdamConfig, type AdamOptions } from './adam.ts';
export { Adamax, type AdamaxConfig, type AdamaxOptions } from './adamax.ts';
export { AdamW, type AdamWConfig, type AdamWOptions } from './adamw.ts';
export { Ftrl, type FtrlConfig, type FtrlOptions } from './ftrl.ts';
export { Lamb, type LambConfig, type LambOptions } from './lamb.ts';
export { Lion, type LionConfig, type LionOptions } from './lion.ts';
export { RMSprop, type RMSpropConfig, type RMSpropOptions } from './rmsprop.ts';
export { type ArraySGD, type ArrayTensor, SGD, type SGDConfig, type SGDOptions } from './sgd.ts';
export { shown, shownShape, shownTensor } from './shown.ts';
export { ofFixedLength } from './fixed-length.ts';
export { Spans } from './spans.ts';
export type { SlotState, State } from './state.ts';
export type { Variables } from './variables.ts';
export type { OnWarning, WarningDetails } from './warnings.ts';
