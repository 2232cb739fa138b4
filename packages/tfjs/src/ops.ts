import type { Measure } from '@sgd/core';
import type { Observation } from '@sgd/core/engine';
import { squares64 } from './numbers.ts';
import { tensorOf } from './state.ts';
import { type Job, type Method, stepBy, type TakeStep } from './step.ts';
import { type Assignments, store } from './stores.ts';
import { sumOnDevice } from './sums.ts';
import type { TensorOps, Value } from './tensor-ops.ts';
import type { Tensor } from './tf.ts';

// The universal path: one operation of tfjs for each of the rule's, in its order. On the engines whose values JavaScript reaches it gives
// Keras's bits.

const byOperations: Method = {
  squaredNorm(job) {
    const { state, index, situation, ops, scalars } = job;
    const define = state.definition.defineSquaredNorm(index, situation)!;
    return ops.remember(() => define<Value>(ops, tensorsOf(job), scalars).results![0]!);
  },
  update(job) {
    const { state, index, situation, ops, scalars } = job;
    const define = state.definition.defineUpdate(index, situation);
    let assignments: Assignments = {};
    let norms: readonly Value[] = [];
    let observed: (readonly [Measure, Value])[] = [];
    state.tf.tidy(() => {
      const outputs = define<Value>(ops, tensorsOf(job), scalars);
      ({ assignments, norms = [] } = outputs);
      observed = outputs.observations?.map((one) => [one.measure, squaresOf(ops, one)] as const) ?? [];
      const results = [...Object.values(assignments), ...norms, ...observed.map(([, squares]) => squares)];
      return results.filter((value) => typeof value === 'object');
    });
    return {
      norms,
      write() {
        store(state, index, assignments, job.gradient);
        return observed;
      },
    };
  },
};

/** One step by operations of tfjs. */
export const stepByOps: TakeStep = stepBy(byOperations);

/** The tensors of a variable by name. */
function tensorsOf({ state, index, gradient }: Job): Record<string, Value> {
  const tensors: Record<string, Value> = {};
  for (const { name } of state.definition.tensorsOf(index)) tensors[name] = tensorOf(state, name, index)!;
  if (gradient !== null) tensors.gradient = gradient;
  return tensors;
}

/** The sum of squares of a value, or of a difference: on the host in float64. */
function squaresOf(ops: TensorOps, { value, minus }: Observation<Value>): Value {
  if (ops.isHosted) {
    const valuesOf = (of: Value): Float32Array => (of as Tensor).dataSync<'float32'>();
    return squares64(valuesOf(value), minus === null ? undefined : valuesOf(minus));
  }
  const difference = minus === null ? value : ops.sub(value, minus);
  return sumOnDevice(ops.tf, ops.mul(difference, difference) as Tensor);
}
