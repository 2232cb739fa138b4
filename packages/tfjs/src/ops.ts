import type { Measure } from '@sgd/core';
import { squares64 } from './numbers.ts';
import { Plan } from './plan.ts';
import { assign, type State } from './state.ts';
import { type Job, stepBy, type TakeStep, type Work } from './step.ts';
import { owned } from './stores.ts';
import { sumOnDevice } from './sums.ts';
import type { TensorOps, Value } from './tensor-ops.ts';
import type { Tensor } from './tf.ts';

// The universal path: one operation of tfjs for each of the rule's, in its order. On the engines whose values JavaScript reaches it gives
// Keras's bits.

/** By variable and situation. */
const plans = new WeakMap<State, Plan[][]>();

function planOf({ state, index, situation }: Job): Plan {
  let known = plans.get(state);
  if (known === undefined) plans.set(state, (known = []));
  const row = (known[index] ??= []);
  return (row[situation] ??= sharedPlan(state, index, situation));
}

const shared = new WeakMap<State, Map<string, Plan>>();

/** Variables of a kind have one plan. */
function sharedPlan(state: State, index: number, situation: number): Plan {
  let known = shared.get(state);
  if (known === undefined) shared.set(state, (known = new Map<string, Plan>()));
  const key = state.definition.kernelKey(index, situation);
  let plan = known.get(key);
  if (plan === undefined) known.set(key, (plan = new Plan(state.definition, index, situation)));
  return plan;
}

/** A variable in a step, by operations. */
export class WorkByOperations implements Work {
  readonly #job: Job;
  readonly #plan: Plan;
  /** In the order of the plan. */
  readonly #values: Value[] = [];

  constructor(job: Job) {
    this.#job = job;
    this.#plan = planOf(job);
  }

  squaredNorm(): Value {
    this.#plan.compute('norm', this.#job, this.#values);
    return this.#values[this.#plan.squaredNorm]!;
  }

  compute(): readonly Value[] {
    this.#plan.compute('rest', this.#job, this.#values);
    return this.#plan.norms.map((place) => this.#values[place]!);
  }

  write(): readonly (readonly [Measure, Value])[] {
    const { state, index, ops } = this.#job;
    const values = this.#values;
    const { assignments, observations } = this.#plan;
    // all that reads comes before anything is replaced
    const observed = observations.map(({ measure, value, minus }) => {
      const squares = squaresOf(ops, values[value]!, minus === null ? null : values[minus]!);
      return [measure, squares] as const;
    });
    const tensors = assignments.map(({ place, isShared }) => owned(state, index, values[place]!, isShared));
    assignments.forEach(({ name }, i) => assign(state, name, index, tensors[i]!));
    return observed;
  }
}

/** One step by operations of tfjs. */
export const stepByOps: TakeStep = stepBy((job) => new WorkByOperations(job));

/** The sum of squares of a value, or of a difference: on the host in float64. */
function squaresOf(ops: TensorOps, value: Value, minus: Value | null): Value {
  if (ops.isHosted) {
    const valuesOf = (of: Value): Float32Array => (of as Tensor).dataSync<'float32'>();
    return squares64(valuesOf(value), minus === null ? undefined : valuesOf(minus));
  }
  const difference = minus === null ? value : ops.sub(value, minus);
  return sumOnDevice(ops.tf, ops.mul(difference, difference) as Tensor);
}
