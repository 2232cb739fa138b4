import {
  type Entry,
  type FloatArray,
  type Measured,
  type Program,
  type Session,
  SgdError,
  type Slot,
  type Step,
  type WriteEntry,
} from '@sgd/core';
import { StepDefinition } from '@sgd/core/engine';
import { GlobalNorm } from './global-norm.ts';
import { type BoundKernel, makeTensors, ProgramKernels, type Tensors } from './program-kernels.ts';
import { Memory } from './memory.ts';
import type { CpuGradient, CpuVariable } from './tensor.ts';

/** What the contract's slots are called in kernels. */
const TENSOR_OF: Readonly<Record<Slot, string>> = {
  variable: 'variable',
  momentum: 'momentum',
  accumulator: 'gradient_accumulator',
  average: 'average',
};

/** Takes the variables, makes the slots, and compiles what is run for each. */
export function openSession(
  program: Program,
  handles: readonly CpuVariable[],
  jitless: boolean,
): Session<CpuVariable, CpuGradient, 'sync'> {
  const session = new CpuSession(program, handles, jitless);
  // its calls may be taken apart, and put together with others
  return {
    variables: handles,
    step: (step, gradients, indices) => session.step(step, gradients, indices),
    averages: (action) => session.averages(action),
    read: (entries) => session.read(entries),
    write: (entries) => session.write(entries),
    measured: () => session.measured(),
    dispose: () => session.dispose(),
  };
}

class CpuSession implements Omit<Session<CpuVariable, CpuGradient, 'sync'>, 'variables'> {
  readonly #program: Program;
  readonly #memory: Memory;
  readonly #tensors: Tensors[];
  readonly #definition: StepDefinition;
  readonly #kernels: ProgramKernels;
  readonly #observed: Float64Array;
  readonly #globalNorm: GlobalNorm | null;
  /** By variable: the last step that had a gradient for it. */
  readonly #lastGiven: Float64Array;
  #steps = 0;
  #hasUpdated = false;

  constructor(program: Program, handles: readonly CpuVariable[], jitless: boolean) {
    const definition = new StepDefinition(program);
    const { measure, variables } = program;
    this.#program = program;
    this.#definition = definition;
    this.#memory = new Memory(variables, handles);
    this.#tensors = this.#memory.arrays.map((array, i) => makeTensors(definition, i, array));
    this.#kernels = new ProgramKernels({ program, definition, tensors: this.#tensors, jitless });
    this.#observed = new Float64Array(measure.size);
    this.#globalNorm = definition.hasGlobalNorm ? new GlobalNorm(definition, variables.length, jitless) : null;
    this.#lastGiven = new Float64Array(variables.length);
  }

  step(step: Step, gradients: readonly CpuGradient[], indices: readonly number[]): boolean {
    this.#memory.take(gradients, indices);
    this.#definition.scalars.fill(step);
    const situation = this.#definition.situations.keyOf(step, true);
    const isTaken = this.#clipGlobally(situation, indices) && this.#reduce(situation, indices);
    if (isTaken) this.#update(step, situation, indices);
    this.#release(situation, indices);
    if (!isTaken) return false;
    for (const i of indices) {
      const { overwrites, constraint, shape } = this.#program.variables[i]!;
      if (!overwrites) constraint?.(this.#memory.arrays[i]!, shape);
    }
    return true;
  }

  averages(action: 'assign' | 'swap'): void {
    this.#memory.checkAttached();
    for (const { variable, average } of this.#tensors) {
      if (variable === undefined || average === undefined) continue;
      const old = action === 'swap' ? variable.slice() : null;
      variable.set(average);
      if (old !== null) average.set(old);
    }
  }

  // copied before the promise is returned
  async read(entries: readonly Entry[]): Promise<FloatArray[]> {
    return entries.map((entry) => this.#find(entry).slice());
  }

  async write(entries: readonly WriteEntry[]): Promise<void> {
    const targets = entries.map((entry) => this.#find(entry, entry.values.length));
    targets.forEach((target, i) => target.set(entries[i]!.values));
  }

  async measured(): Promise<Measured> {
    const made: Measured = {};
    if (!this.#hasUpdated) return made;
    let place = 0;
    if (this.#program.measure.has('gradient-norm')) made.gradientNorm = Math.sqrt(this.#observed[place++]!);
    if (this.#program.measure.has('update-norm')) made.updateNorm = Math.sqrt(this.#observed[place]!);
    return made;
  }

  dispose(): void {
    this.#tensors.length = 0;
    this.#memory.clear();
  }

  /** Takes the norm over all gradients, where there is one. Returns whether it lets the step be taken. */
  #clipGlobally(situation: number, indices: readonly number[]): boolean {
    const { squares } = this.#kernels;
    const norm = this.#globalNorm;
    if (norm === null) return true;
    squares.begin(situation);
    norm.clear();
    for (let j = 0; j < indices.length; j++) {
      const i = indices[j]!;
      const bound = squares.rows[i]![situation];
      if (bound === undefined) continue;
      const { kernel, arrays, numbers } = bound;
      lend(bound, this.#memory.gradients[j]!);
      kernel.reduce(arrays, this.#memory.sizes[i]!, numbers);
      norm.add(kernel.result(numbers, 0), this.#program.variables[i]!.dtype);
    }
    return !norm.take() || !this.#program.finiteCheck || norm.isFinite;
  }

  /** All else that a step only reads. Returns whether gradients are finite, where that is asked. */
  #reduce(situation: number, indices: readonly number[]): boolean {
    const { updates, squares } = this.#kernels;
    const { finiteCheck } = this.#program;
    updates.begin(situation);
    let isFinite = true;
    for (let j = 0; isFinite && j < indices.length; j++) {
      const i = indices[j]!;
      const gradient = this.#memory.gradients[j]!;
      const bound = updates.rows[i]![situation];
      if (bound !== undefined) {
        lend(bound, gradient);
        bound.kernel.reduce(bound.arrays, this.#memory.sizes[i]!, bound.numbers);
      }
      if (!finiteCheck || squares.rows[i]![situation] !== undefined) continue;
      // a finite norm has finite elements
      isFinite = bound?.kernel.hasNorms === true ? bound.kernel.isFinite(bound.numbers) : isFiniteArray(gradient);
    }
    return isFinite;
  }

  /** All that a step writes; nothing is refused any more. */
  #update(step: Step, situation: number, indices: readonly number[]): void {
    if (step.phase === 'update' && step.ordinary) {
      this.#observed.fill(0);
      this.#hasUpdated = true;
    }
    for (const i of indices) this.#write(i, situation);
    const count = this.#memory.arrays.length;
    if (indices.length === count) return;
    // variables without a gradient: accumulators are reset, averages move on
    const missing = this.#definition.situations.keyOf(step, false);
    this.#kernels.updates.begin(missing);
    this.#steps++;
    for (const i of indices) this.#lastGiven[i] = this.#steps;
    for (let i = 0; i < count; i++) if (this.#lastGiven[i] !== this.#steps) this.#write(i, missing);
  }

  #write(i: number, situation: number): void {
    const bound = this.#kernels.updates.rows[i]![situation];
    if (bound !== undefined) bound.kernel.write(bound.arrays, this.#memory.sizes[i]!, bound.numbers, this.#observed);
  }

  /** Gradients are the caller's: large ones are not kept. */
  #release(situation: number, indices: readonly number[]): void {
    const { updates, squares } = this.#kernels;
    for (let j = 0; j < indices.length; j++) {
      const i = indices[j]!;
      if (!this.#memory.mustRelease(i)) continue;
      const variable = this.#memory.arrays[i]!;
      this.#memory.gradients[j] = variable;
      lend(updates.rows[i]![situation], variable);
      lend(squares.rows[i]![situation], variable);
    }
  }

  /** The values of a slot, of a length if one is given. */
  #find({ slot, index }: Entry, length?: number): FloatArray {
    this.#memory.checkAttached();
    const found = this.#tensors[index]?.[TENSOR_OF[slot]];
    if (found !== undefined && found.length === (length ?? found.length)) return found;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${found?.length}, got ${length}`);
  }
}

/** Puts an array where a kernel looks for the gradient. */
function lend(bound: BoundKernel | undefined, gradient: FloatArray): void {
  if (bound !== undefined && bound.gradientAt >= 0) bound.arrays[bound.gradientAt] = gradient;
}

/** Whether every element is finite. */
function isFiniteArray(values: FloatArray): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!; // 0, or NaN for NaN and infinities
  return sum === 0;
}
