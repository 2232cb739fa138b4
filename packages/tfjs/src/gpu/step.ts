import type { Shader } from '@sgd/compile';
import type { Measure } from '@sgd/core';
import type { TracedValue } from '@sgd/core/engine';
import { WorkByOperations } from '../ops.ts';
import { assign, put, type State, tensorOf } from '../state.ts';
import { type Job, stepBy, type TakeStep, type Work } from '../step.ts';
import { sumOnDevice } from '../sums.ts';
import type { Value } from '../tensor-ops.ts';
import type { Tensor } from '../tf.ts';
import { DevicePlan, type Reading, type Writing } from './device-plan.ts';
import type { Device, HostNumbers } from './device.ts';

/** Steps in programs on the device: one that writes for each variable, and before it one for each norm that is to be known. */
export function stepOn(device: Device): TakeStep {
  const plans = new WeakMap<State, PlansOfState>();
  return stepBy((job) => {
    let known = plans.get(job.state);
    if (known === undefined) plans.set(job.state, (known = new PlansOfState(device)));
    const plan = known.of(job);
    return plan === null ? new WorkByOperations(job) : new WorkOnDevice(device, plan, job);
  });
}

/** The plans of an optimizer. */
class PlansOfState {
  readonly #device: Device;
  readonly #byVariable: (DevicePlan | null)[][] = [];
  readonly #byKey = new Map<string, DevicePlan | null>();

  constructor(device: Device) {
    this.#device = device;
  }

  /** `null` where the device can't run it. */
  of(job: Job): DevicePlan | null {
    const row = (this.#byVariable[job.index] ??= []);
    const plan = row[job.situation];
    return plan === undefined ? (row[job.situation] = this.#shared(job)) : plan;
  }

  #shared({ state, index, situation }: Job): DevicePlan | null {
    const { definition, tf } = state;
    const key = definition.kernelKey(index, situation);
    let plan = this.#byKey.get(key);
    if (plan === undefined) {
      const made = new DevicePlan(definition, index, situation, this.#device.fits(tf));
      plan = made.writings === null ? null : made;
      this.#byKey.set(key, plan);
    }
    return plan;
  }
}

/** By the scalars of a step and group. */
const computed = new WeakMap<object, Map<Shader, HostNumbers>>();

class WorkOnDevice implements Work {
  readonly #device: Device;
  readonly #plan: DevicePlan;
  readonly #job: Job;
  /** Sums, and what programs made of this variable. */
  readonly #tensors = new Map<TracedValue, Tensor>();

  constructor(device: Device, plan: DevicePlan, job: Job) {
    this.#device = device;
    this.#plan = plan;
    this.#job = job;
  }

  squaredNorm(): Value {
    this.#read(this.#plan.normReading!);
    return this.#tensors.get(this.#plan.squaredNorm!)!;
  }

  compute(): readonly Value[] {
    for (const reading of this.#plan.readings) this.#read(reading);
    return this.#job.state.program.finiteCheck ? this.#plan.norms.map((norm) => this.#evaluate(norm)) : [];
  }

  write(): readonly (readonly [Measure, Value])[] {
    const { state, index } = this.#job;
    const observed: (readonly [Measure, Value])[] = [];
    const replaced: (readonly [string, Tensor])[] = [];
    for (const writing of this.#plan.writings!) {
      const tensors = this.#run(writing.shader, this.#inPlace(writing));
      writing.made.forEach(({ name, measure, value }, i) => {
        const tensor = tensors[i];
        if (!tensor) return;
        if (value.isWide) this.#tensors.set(value, tensor);
        if (name !== null) replaced.push([name, tensor]);
        if (measure !== null) observed.push([measure, sumOnDevice(state.tf, tensor)]);
      });
    }
    for (const [name, tensor] of replaced) assign(state, name, index, tensor);
    return observed;
  }

  #read({ shader, sums }: Reading): void {
    const { tf } = this.#job.state;
    const squares = this.#run(shader, []);
    sums.forEach((sum, i) => this.#tensors.set(sum, sumOnDevice(tf, squares[i]!)));
  }

  /** A number on the device by operations of tfjs. */
  #evaluate(value: TracedValue): Value {
    const { ops, state, index, scalars } = this.#job;
    if (value.kind === 'sum') return this.#tensors.get(value)!;
    if (value.kind === 'scalar') return scalars[value.name]!;
    if (value.kind === 'constant') return ops.constant(value.number);
    if (value.kind === 'tensor') return tensorOf(state, value.name, index)!;
    const [a, b, c] = value.operands.map((operand) => this.#evaluate(operand)) as [Value, Value, Value];
    return ops[value.kind](a, b, c);
  }

  /** The slots that a program may write where they are; what somebody else holds, too, is copied before. */
  #inPlace({ made }: Writing): (Tensor | null)[] {
    const { state, index } = this.#job;
    const engine = state.tf.backend() as unknown as { refCount(dataId: object): number };
    return made.map(({ name }) => {
      if (!this.#plan.inPlace || !this.#device.writesInPlace || name === null || name === 'variable') return null;
      const tensor = tensorOf(state, name, index)!;
      if (engine.refCount(tensor.dataId) > 1) put(state, name, index, state.tf.mul(tensor, 1));
      return tensorOf(state, name, index)!;
    });
  }

  #run(shader: Shader, inPlace: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const { state, index, gradient, ops, scalars } = this.#job;
    const tensors = shader.tensors.map((value) => {
      if (value.kind !== 'tensor') return this.#tensors.get(value)!;
      return value.name === 'gradient' ? gradient! : tensorOf(state, value.name, index)!;
    });
    return this.#device.run(state.tf, {
      shader,
      shape: state.program.variables[index]!.shape,
      tensors,
      deviceNumbers: shader.deviceNumbers.map((value) =>
        ops.tensor(value.kind === 'scalar' ? scalars[value.name]! : this.#tensors.get(value)!),
      ),
      hostNumbers: this.#numbersOf(shader),
      like: gradient ?? tensors.find((tensor) => !isVariable(tensor)) ?? tensors[0],
      inPlace,
    });
  }

  #numbersOf(shader: Shader): HostNumbers {
    const { state, index, scalars } = this.#job;
    let known = computed.get(scalars);
    if (known === undefined) computed.set(scalars, (known = new Map<Shader, HostNumbers>()));
    let numbers = known.get(shader);
    if (numbers === undefined) {
      const program = this.#plan.numbers;
      const all = program.allocate();
      program.begin(all, state.definition.scalars.of[index]!);
      numbers = { values: Float32Array.from(shader.hostNumbers, (value) => all[program.placeOf(value)]!) };
      known.set(shader, numbers);
    }
    return numbers;
  }
}

const isVariable = (tensor: Tensor): boolean => 'assign' in tensor;
