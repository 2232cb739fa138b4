import { type Program, type ProgramVariable, SgdError, type Step } from '@sgd/core';

// What tests of an engine give to `open` and `step`.

/** A variable of a length or shape. */
export const variable = (shape: number | readonly number[], more: Partial<ProgramVariable> = {}): ProgramVariable => ({
  path: 'w',
  shape: typeof shape === 'number' ? [shape] : shape,
  dtype: 'float32',
  group: 0,
  decays: false,
  overwrites: false,
  constraint: null,
  ...more,
});

/** Plain gradient descent, unless more is asked for. */
export const program = (variables: readonly ProgramVariable[], more: Partial<Program> = {}): Program => ({
  rule: 'sgd',
  slots: new Set(),
  nesterov: false,
  unscale: false,
  clip: 'none',
  finiteCheck: false,
  measure: new Set(),
  variables,
  ...more,
});

/** An updating step at the rate 0.5. */
export const update: Step = {
  phase: 'update',
  ordinary: true,
  lossScale: 1,
  accumulationSteps: 1,
  clipLimit: 0,
  rates: [{ learningRate: 0.5, momentum: 0.5, weightDecay: 0 }],
  averageMomentum: 0.5,
  averageOverwrite: false,
};

/** What a call throws, or its promise rejects with. */
export async function failure(call: () => unknown): Promise<SgdError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof SgdError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Takes an array its memory. */
export const detach = (array: Float32Array): void =>
  void structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
