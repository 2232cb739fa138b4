import { type FloatArray, type Program, SgdError, type Slot } from '@sgd/core';
import { compose } from './compose.ts';
import { arrayIn, type Numbers } from './numbers.ts';
import type { Plan, Stages } from './plan.ts';
import { arrayOf, type CpuVariable, sizeOf } from './tensor.ts';

/** Stands for a slot that a variable does not have. */
const none: FloatArray = new Float32Array(0);

/** Makes zero-filled slots, and composes what is run for each variable. */
export function makePlans(program: Program, variables: readonly CpuVariable[], numbers: Numbers): Plan[] {
  const composed = new Map<string, Stages>();
  return program.variables.map((variable, i) => {
    const { shape, dtype, group, decays, overwrites, constraint } = variable;
    const { kernels, k, rates } = numbers.of(dtype);
    const n = sizeOf(shape);
    const key = `${dtype} ${decays} ${overwrites}`;
    const stages = composed.get(key) ?? compose(program, variable, kernels);
    composed.set(key, stages);
    const slot = (kind: Exclude<Slot, 'variable'>): FloatArray =>
      program.slots.has(kind) && (kind === 'accumulator' || !overwrites) ? arrayIn(dtype, n) : none;
    return {
      x: arrayOf(variables[i]!),
      m: slot('momentum'),
      v: slot('accumulator'),
      a: slot('average'),
      n,
      k,
      r: rates[group]!,
      w: numbers.w,
      kernels,
      stages,
      overwrites,
      shape,
      constraint,
      given: false,
    };
  });
}

const LETTERS = { variable: 'x', momentum: 'm', accumulator: 'v', average: 'a' } as const;

/** The values of a slot; refuses one that there is not. */
export function slotOf(plans: readonly Plan[], slot: Slot, index: number): FloatArray {
  const values = plans[index]?.[LETTERS[slot]] ?? none;
  if (values === none) throw new SgdError('SGD_UNKNOWN_VARIABLE', `variable ${index} has no slot "${slot}"`);
  return values;
}

/** Refuses variables whose memory is gone, moved or of another length than when the optimizer was built. */
export function wantAttached(plans: readonly Plan[], program: Program): void {
  for (let i = 0; i < plans.length; i++) {
    const p = plans[i]!;
    if (p.x.length === p.n) continue;
    throw new SgdError(
      'SGD_DETACHED',
      `the memory of "${program.variables[i]!.path}" is gone: it has ${p.x.length} elements, was built with ${p.n}`,
    );
  }
}
