import type { Measured, Program, Step } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import type { Device } from './device.ts';
import { DeviceReader } from './device-reader.ts';
import type { GpuGradient } from './gpu.ts';
import { HostReader } from './host-reader.ts';
import { Plans } from './plan.ts';
import type { Reader, ReaderSettings } from './reader.ts';
import { settled, type Work } from './steps.ts';
import { gradientValues, wantLength } from './tensor.ts';
import type { Tensors } from './tensors.ts';
import { VariableWork, type WorkContext } from './work.ts';

/** What a {@link Stepper} is made of. */
export interface StepperSettings<T> {
  readonly device: Device<T>;
  readonly program: Program;
  readonly definition: StepDefinition;
  readonly tensors: Tensors<T>;
}

/** Takes the steps of a session. */
export class Stepper<T> {
  readonly #program: Program;
  readonly #definition: StepDefinition;
  readonly #context: WorkContext<T>;
  readonly #updates: Plans;
  readonly #reader: Reader<T>;

  constructor({ device, program, definition, tensors }: StepperSettings<T>) {
    const options = {
      onHost: device.reductions === null,
      makesTwo: 'both' in device,
      scalars: definition.scalars.names,
    };
    this.#program = program;
    this.#definition = definition;
    this.#context = { device, tensors, clipFactor: null };
    this.#updates = new Plans(definition, options, (i, situation) => definition.update(i, situation));
    const settings: ReaderSettings<T> = {
      program,
      definition,
      context: this.#context,
      options,
      begin: (work, situation) => void (work.update = this.#updates.begin(work.index, situation)),
    };
    this.#reader = options.onHost
      ? (new HostReader(settings as unknown as ReaderSettings<Float32Array>) as unknown as Reader<T>)
      : new DeviceReader(settings);
  }

  *step(step: Step, gradients: readonly GpuGradient[], indices: readonly number[]): Work<boolean> {
    const { device } = this.#context;
    device.check();
    const works: VariableWork<T>[] = [];
    try {
      yield* this.#take(gradients, indices, works);
      this.#definition.scalars.fill(step);
      if (!(yield* this.#reader.read(works, this.#definition.situations.keyOf(step, true)))) return false;
      yield* this.#writeAll(step, works);
    } finally {
      for (const work of works) work.release();
      if (this.#context.clipFactor !== null) device.free(this.#context.clipFactor);
      this.#context.clipFactor = null;
    }
    this.#constrain(step, indices);
    return true;
  }

  measured(): Work<Measured> {
    return this.#reader.measured();
  }

  /** Frees what was measured. */
  forget(): void {
    this.#reader.forget();
  }

  /** Takes the gradients to the device. */
  *#take(gradients: readonly GpuGradient[], indices: readonly number[], works: VariableWork<T>[]): Work<void> {
    const { device, tensors } = this.#context;
    const { variables } = this.#program;
    // all values first: a getter of the caller's may detach any of them
    const values = gradients.map((gradient, j) => gradientValues(device, gradient, variables[indices[j]!]!));
    for (const [j, index] of indices.entries()) {
      const isEmpty = tensors.sizes[index] === 0;
      if (!isEmpty) wantLength(values[j]!, variables[index]!);
      const gradient = isEmpty ? null : yield* settled(device.borrow(values[j]!));
      works.push(new VariableWork(this.#context, index, gradient));
    }
  }

  /** Nothing can be refused from here on. */
  *#writeAll(step: Step, works: readonly VariableWork<T>[]): Work<void> {
    const measures = this.#program.measure.size > 0 && step.phase === 'update' && step.ordinary;
    if (measures) this.#reader.startMeasuring();
    for (const work of works) yield* this.#write(work, measures);
    const count = this.#program.variables.length;
    if (works.length === count) return;
    // variables without a gradient: accumulators are reset, averages move on
    const given = new Set(works.map(({ index }) => index));
    const missing = this.#definition.situations.keyOf(step, false);
    for (let index = 0; index < count; index++) {
      if (given.has(index)) continue;
      const work = new VariableWork(this.#context, index, null);
      work.update = this.#updates.begin(index, missing);
      try {
        yield* this.#write(work, false);
      } finally {
        work.release();
      }
    }
  }

  *#write(work: VariableWork<T>, measures: boolean): Work<void> {
    if (work.size === 0) return;
    yield* work.make();
    if (measures) yield* this.#reader.measure(work);
    yield* work.replace();
  }

  #constrain({ ordinary }: Step, indices: readonly number[]): void {
    if (!ordinary) return;
    for (const index of indices) {
      const { constraint, overwrites, shape } = this.#program.variables[index]!;
      const values = this.#context.tensors.of('variable', index) ?? new Float32Array(0);
      if (!overwrites) constraint?.(values as Float32Array, shape);
    }
  }
}
