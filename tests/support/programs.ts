import { type Program, type ProgramVariable, SgdError, type Step } from '@sgd/core';
import { type AnyRule, sgd } from '@sgd/core/engine';

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

/** What an SGD keeps. */
export type KeptSlot = 'momentum' | 'gradient_accumulator' | 'average';

/** A program of SGD: which slots it keeps, whether with nesterov, and all else. */
export interface SGDProgram extends Partial<Omit<Program, 'rule' | 'configs' | 'slots'>> {
  readonly keeps?: Iterable<KeptSlot>;
  readonly nesterov?: boolean;
}

/** Plain gradient descent, unless more is asked for. */
export const program = (
  variables: readonly ProgramVariable[],
  { keeps = [], nesterov = false, ...more }: SGDProgram = {},
): Program => ({
  rule: sgd as AnyRule,
  ...sgdConfigs(new Set(keeps), nesterov, 1 + Math.max(0, ...variables.map(({ group }) => group))),
  unscale: false,
  clip: 'none',
  finiteCheck: false,
  measure: new Set(),
  variables,
  ...more,
});

function sgdConfigs(
  keeps: ReadonlySet<KeptSlot>,
  nesterov: boolean,
  groups: number,
): Pick<Program, 'configs' | 'slots' | 'accumulates' | 'averages'> {
  const config = { momentum: keeps.has('momentum') ? 0.5 : 0, nesterov };
  return {
    configs: Array.from({ length: groups }, () => config),
    slots: sgd.slots(config),
    accumulates: keeps.has('gradient_accumulator'),
    averages: keeps.has('average'),
  };
}

/** The rates of the second group, where a test has none of its own. */
const OTHER = { learningRate: 0.5, weightDecay: 0, options: [0.5] };

/** An updating step at the rate 0.5. */
export const update: Step = {
  phase: 'update',
  ordinary: true,
  lossScale: 1,
  accumulationSteps: 1,
  clipLimit: 0,
  updateCount: 1,
  rates: [{ learningRate: 0.5, weightDecay: 0, options: [0.5] }, OTHER],
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
