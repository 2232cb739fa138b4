import type { TracedValue } from '@sgd/core/engine';
import type { Device } from './device.ts';
import type { BoundPlan, Call } from './plan.ts';
import { settled, type Work } from './steps.ts';
import type { Tensors } from './tensors.ts';

/** What the works of a session share. */
export interface WorkContext<T> {
  readonly device: Device<T>;
  readonly tensors: Tensors<T>;
  /** What gradients of the step under way are multiplied by under a norm over all, on a device. */
  clipFactor: T | null;
}

/** What a step does to one variable. */
export class VariableWork<T> {
  readonly index: number;
  readonly size: number;
  /** `null` where the step has none, or the variable has no elements. */
  readonly gradient: T | null;
  /** `null` where there is nothing to do. */
  update: BoundPlan | null = null;
  readonly #context: WorkContext<T>;
  /** Sums, and new tensors that did not take their places yet: freed when the work is over. */
  readonly #made = new Map<TracedValue, T>();

  /** @param gradient - borrowed from the device, to be freed with the work */
  constructor(context: WorkContext<T>, index: number, gradient: T | null) {
    this.#context = context;
    this.index = index;
    this.size = context.tensors.sizes[index]!;
    this.gradient = gradient;
  }

  /** A tensor by its name. */
  tensorOf(name: string): T {
    return name === 'gradient' ? (this.gradient as T) : this.#context.tensors.of(name, this.index);
  }

  /** Runs a kernel with a number of threads. */
  run(call: Call, { numbers }: BoundPlan, threads: number): Work<T> {
    return settled(this.#context.device.run(call.formula, threads, this.#inputs(call), numbersOf(call, numbers)));
  }

  /** Runs a kernel that reduces, to one element. */
  reduce(call: Call, { numbers }: BoundPlan): Work<T> {
    return this.#context.device.reductions!.reduce(
      call.formula,
      this.#inputs(call),
      numbersOf(call, numbers),
      this.size,
    );
  }

  /** Notes a sum, which later calls take. */
  keep(value: TracedValue, tensor: T): void {
    this.#made.set(value, tensor);
  }

  /** Makes all new tensors. */
  *make(): Work<void> {
    const { update } = this;
    if (update === null) return;
    const { device } = this.#context;
    // not by `settled`, whose generators take longer than all else that is done for a small variable
    for (const { call, made } of update.plan.making) {
      const inputs = this.#inputs(call);
      const numbers = numbersOf(call, update.numbers);
      if (made.length === 1) {
        this.keep(made[0]!, (yield device.run(call.formula, this.size, inputs, numbers)) as T);
        continue;
      }
      const [result, kept] = (yield device.both!(call.formula, this.size, inputs, numbers)) as readonly [T, T];
      this.keep(made[0]!, kept);
      this.keep(made[1]!, result);
    }
  }

  /** Puts the new tensors in the places of the old ones. */
  *replace(): Work<void> {
    const { update, index } = this;
    if (update === null) return;
    const { device, tensors } = this.#context;
    for (const { name, value, copyOf } of update.plan.assignments) {
      if (value.kind === 'constant') {
        yield* tensors.fill(name, index, update.numbers[update.plan.numbers.placeOf(value)]!);
      } else if (copyOf === null) {
        tensors.replace(name, index, this.#made.get(value)!);
        this.#made.delete(value);
      } else tensors.replace(name, index, device.copy(tensors.of(copyOf, index)));
    }
  }

  /** Frees the gradient, and what took no place. */
  release(): void {
    const { device } = this.#context;
    if (this.gradient !== null) device.free(this.gradient);
    for (const tensor of this.#made.values()) device.free(tensor);
    this.#made.clear();
  }

  #inputs({ tensors, singles }: Call): T[] {
    const inputs = tensors.map((value) =>
      value.kind === 'tensor' ? this.tensorOf(value.name) : this.#made.get(value)!,
    );
    for (const value of singles) {
      inputs.push(value.kind === 'scalar' ? (this.#context.clipFactor as T) : this.#made.get(value)!);
    }
    return inputs;
  }
}

/** The numbers that a call is given. */
export function numbersOf({ places }: Call, numbers: Float64Array): number[] {
  return places.map((place) => (place < 0 ? NaN : numbers[place]!));
}
