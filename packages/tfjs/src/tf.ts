import type * as core from '@tensorflow/tfjs-core';
import type { CallbackRegistry } from './fits.ts';

/** A tensor of TensorFlow.js. */
export type Tensor = core.Tensor;
/** A variable of TensorFlow.js. */
export type Variable = core.Variable;

/** What is used of `@tensorflow/tfjs-core`: the module, the union package `@tensorflow/tfjs`, or the global `tf` of a script tag. */
export type TensorFlow = Pick<
  typeof core,
  | 'abs'
  | 'add'
  | 'addN'
  | 'all'
  | 'backend'
  | 'clone'
  | 'dispose'
  | 'div'
  | 'engine'
  | 'env'
  | 'fill'
  | 'getBackend'
  | 'greater'
  | 'isNaN'
  | 'keep'
  | 'lessEqual'
  | 'logicalAnd'
  | 'maximum'
  | 'minimum'
  | 'mul'
  | 'neg'
  | 'pow'
  | 'reshape'
  | 'scalar'
  | 'slice'
  | 'sqrt'
  | 'sub'
  | 'sum'
  | 'tensor'
  | 'tidy'
  | 'variable'
  | 'where'
  | 'zeros'
>;

/** What the drop-in optimizers use besides. */
export type TensorFlowWithOptimizers = TensorFlow &
  Pick<typeof core, 'Optimizer' | 'serialization' | 'variableGrads'> &
  CallbackRegistry;
