/**
 * What an engine is made of: the step around a rule, written over operations of any kind, and the tools to record it, to plan passes
 * over memory, and to compute the numbers between them.
 *
 * @packageDocumentation
 */
export { type Kernel, type KernelOutputs, makeKernel, type Observation, type Pass } from './kernel.ts';
export { NumberProgram } from './number-program.ts';
export { numberOps, roundingOf } from './numbers.ts';
export { StepScalars } from './step-scalars.ts';
export { FEATURES } from './features.ts';
export { type TensorEngine, type TensorOperations, type Value } from './tensor-engine.ts';
export { openTensors } from './tensor-session.ts';
export { plainSession } from './plain-session.ts';
export { PAIRWISE_LEAF, pairwiseHalf, pairwiseSum } from './pairwise.ts';
export { Situations, type StepPhase } from './situations.ts';
export { sizeOf } from './size.ts';
export { type Definition, StepDefinition } from './step-definition.ts';
export type { Named } from './surround.ts';
export type { AnyRule, Operation, Ops, Rule, SlotSpec, StepScalar } from '../rules/rule.ts';
export { RESERVED_NAMES } from '../rules/rule.ts';
export { sgd, type SGDRuleConfig } from '../rules/sgd.ts';
export { isExactScalar, makeTracer, OPERATIONS, TracedValue, type Tracer } from './trace.ts';
