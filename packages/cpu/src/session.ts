import {
  type DType,
  type Entry,
  type FloatArray,
  type Measured,
  type Program,
  type Session,
  SgdError,
  type Step,
  type WriteEntry,
} from '@sgd/core';
import { ArraySteps, type Tensors } from '@sgd/compile';
import { plainSession, StepDefinition } from '@sgd/core/engine';
import { Memory } from './memory.ts';
import type { CpuGradient, CpuVariable } from './tensor.ts';

/** Takes the variables, makes the slots, and compiles what is run for each. */
export function openSession(
  program: Program,
  handles: readonly CpuVariable[],
  jitless: boolean,
): Session<CpuVariable, CpuGradient, 'sync'> {
  return plainSession(handles, new CpuSession(program, handles, jitless));
}

class CpuSession implements Omit<Session<CpuVariable, CpuGradient, 'sync'>, 'variables'> {
  readonly #program: Program;
  readonly #memory: Memory;
  readonly #tensors: Tensors[];
  readonly #steps: ArraySteps;
  readonly #hasConstraints: boolean;

  constructor(program: Program, handles: readonly CpuVariable[], jitless: boolean) {
    const definition = new StepDefinition(program);
    this.#program = program;
    this.#hasConstraints = program.variables.some(({ constraint }) => constraint !== null);
    this.#memory = new Memory(program.variables, handles);
    this.#tensors = this.#memory.arrays.map((array, i) =>
      makeTensors(definition, i, array, program.variables[i]!.dtype),
    );
    this.#steps = new ArraySteps({ program, definition, tensors: this.#tensors, jitless });
  }

  step(step: Step, gradients: readonly CpuGradient[], indices: readonly number[]): boolean {
    this.#memory.take(gradients, indices);
    const situation = this.#steps.begin(step);
    for (let j = 0; j < indices.length; j++) {
      this.#steps.kernels.lend(indices[j]!, situation, this.#memory.gradients[j]!);
    }
    const isTaken = this.#steps.read(situation, this.#memory.gradients, indices);
    if (isTaken) this.#steps.write(step, situation, indices);
    if (this.#memory.mustRelease) this.#release(situation, indices);
    if (isTaken && this.#hasConstraints) this.#constrain(indices);
    return isTaken;
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
    const gradient = this.#steps.squares('gradient-norm');
    const update = this.#steps.squares('update-norm');
    if (gradient !== undefined) made.gradientNorm = Math.sqrt(gradient);
    if (update !== undefined) made.updateNorm = Math.sqrt(update);
    return made;
  }

  dispose(): void {
    this.#tensors.length = 0;
    this.#memory.clear();
  }

  #constrain(indices: readonly number[]): void {
    for (const i of indices) {
      const { overwrites, constraint, shape } = this.#program.variables[i]!;
      if (!overwrites) constraint?.(this.#memory.arrays[i]!, shape);
    }
  }

  /** Gradients are the caller's: large ones are not kept. */
  #release(situation: number, indices: readonly number[]): void {
    for (let j = 0; j < indices.length; j++) {
      const i = indices[j]!;
      if (!this.#memory.isLarge(i)) continue;
      const variable = this.#memory.arrays[i]!;
      this.#memory.gradients[j] = variable;
      this.#steps.kernels.lend(i, situation, variable);
    }
  }

  /** The values of a slot, of a length if one is given. */
  #find({ slot, index }: Entry, length?: number): FloatArray {
    this.#memory.checkAttached();
    const found = this.#tensors[index]?.[slot];
    if (found !== undefined && found.length === (length ?? found.length)) return found;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${found?.length}, got ${length}`);
  }
}

/** The arrays of a variable: its own, and slots filled with their first values. */
function makeTensors(definition: StepDefinition, index: number, array: FloatArray, dtype: DType): Tensors {
  const tensors: Record<string, FloatArray> = {};
  for (const { name, initial = 0 } of definition.tensorsOf(index)) {
    tensors[name] = name === 'variable' ? array : filled(array.length, dtype, initial);
  }
  return tensors;
}

function filled(length: number, dtype: DType, value: number): FloatArray {
  const made = dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  return value === 0 ? made : made.fill(value);
}
