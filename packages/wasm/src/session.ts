import { WasmStep } from '@sgd/compile';
import {
  type Entry,
  type FloatArray,
  type Measured,
  type Program,
  type Session,
  SgdError,
  type Step,
  type WriteEntry,
} from '@sgd/core';
import { plainSession, type StepDefinition } from '@sgd/core/engine';
import { VariableMemory } from './aliasing.ts';
import type { Arena } from './arena.ts';
import { type Copy, copyOf, hold, release } from './copies.ts';
import { compileModule } from './engine.ts';
import { Gradients } from './gradients.ts';
import { type Place, placeOf, Tensor, type WasmGradient, type WasmVariable } from './tensor.ts';

/** The tensors of a variable by name: `variable`, and what the optimizer keeps for it. */
type Tensors = Readonly<Record<string, Tensor>>;

/** Takes the variables, makes the slots, and lays out in the arena what a step needs. */
export function openSession(
  arena: Arena,
  copyBack: boolean,
  program: Program,
  handles: readonly WasmVariable[],
): Session<WasmVariable, WasmGradient, 'sync'> {
  return plainSession(handles, new WasmSession(arena, copyBack, program, handles));
}

class WasmSession implements Omit<Session<WasmVariable, WasmGradient, 'sync'>, 'variables'> {
  readonly #arena: Arena;
  readonly #program: Program;
  readonly #copyBack: boolean;
  /** The user's own arrays, of which the arena has copies; `null` for tensors. */
  readonly #arrays: readonly (Float32Array | null)[];
  readonly #tensors: readonly Tensors[];
  /** The variable of each. */
  readonly #variables: readonly Tensor[];
  /** Of arrays; not of those without elements, which may be detached. */
  readonly #copies: readonly (Copy | null)[];
  readonly #gradients: Gradients;
  readonly #step: WasmStep;
  /** Whether there are constraints, or arrays that get their new values after each step. */
  readonly #mustFinish: boolean;
  /** Tensors that nobody else has. */
  readonly #made = new Set<Tensor>();

  constructor(arena: Arena, copyBack: boolean, program: Program, handles: readonly WasmVariable[]) {
    const { variables } = program;
    const make = (length: number): Tensor => this.#make(length);
    this.#arena = arena;
    this.#program = program;
    this.#copyBack = copyBack;
    // found now: to make room may detach views
    const places = handles.map((handle) => placeOf(handle, arena));
    const memory = new VariableMemory(places, variables);
    this.#arrays = places.map((place) => (place instanceof Tensor ? null : place));
    this.#step = new WasmStep({ program, memory: arena });
    const exports = arena.instantiate(compileModule(this.#step.code));
    try {
      this.#tensors = places.map((place, i) => this.#makeTensors(this.#step.definition, i, place));
      this.#step.start(exports, make(this.#step.bytes / 4).at);
    } catch (error) {
      this.#free();
      throw error;
    }
    this.#variables = this.#tensors.map(({ variable }) => variable!);
    this.#tensors.forEach((own, i) => {
      for (const name in own) this.#step.place(i, name, own[name]!.at);
    });
    this.#copies = this.#arrays.map((array, i): Copy | null => {
      if (array === null || array.length === 0) return null;
      const tensor = this.#variables[i]!;
      this.#made.delete(tensor);
      return hold(arena, array, tensor, copyBack);
    });
    const isCopiedBack = copyBack && this.#copies.some((copy) => copy !== null);
    this.#mustFinish = isCopiedBack || variables.some(({ constraint }) => constraint !== null);
    this.#gradients = new Gradients(arena, variables, memory, make);
  }

  step(step: Step, gradients: readonly WasmGradient[], indices: readonly number[]): boolean {
    this.#gradients.find(gradients, indices);
    this.#checkAttached();
    this.#gradients.lend(indices, this.#step);
    const isTaken = this.#step.run(step, indices);
    this.#gradients.release(indices);
    if (isTaken && this.#mustFinish) this.#finish(step, indices);
    return isTaken;
  }

  averages(action: 'assign' | 'swap'): void {
    this.#checkAttached();
    this.#tensors.forEach(({ variable, average }, i) => {
      if (variable === undefined || average === undefined) return;
      const old = variable.data.slice();
      variable.data.set(average.data);
      if (action === 'swap') average.data.set(old);
      this.#giveBack(i);
    });
  }

  // copied before the promise is returned
  async read(entries: readonly Entry[]): Promise<FloatArray[]> {
    return entries.map((entry) => this.#find(entry).slice());
  }

  async write(entries: readonly WriteEntry[]): Promise<void> {
    const targets = entries.map((entry) => this.#find(entry, entry.values.length));
    entries.forEach(({ slot, index, values }, j) => {
      targets[j]!.set(values);
      if (slot === 'variable') this.#giveBack(index);
    });
  }

  async measured(): Promise<Measured> {
    const made: Measured = {};
    const [gradient, update] = [this.#step.squares('gradient-norm'), this.#step.squares('update-norm')];
    if (gradient !== undefined) made.gradientNorm = Math.sqrt(gradient);
    if (update !== undefined) made.updateNorm = Math.sqrt(update);
    return made;
  }

  dispose(): void {
    if (this.#made.size === 0) return;
    let isLost = false;
    this.#copies.forEach((copy, i) => {
      if (!copy?.tensor.at) return; // there is none, or another optimizer has the array
      const { length, buffer } = this.#arrays[i]!;
      if (length === copy.tensor.length) this.#copyOut(i);
      else isLost = true;
      release(this.#arena, buffer, copy);
    });
    this.#free();
    if (!isLost) return;
    throw new SgdError('SGD_DETACHED', 'the array of a variable was detached or resized, and is not written back');
  }

  /** Constraints, and what the user's arrays get of a step that was taken. */
  #finish({ phase, averageOverwrite }: Step, indices: readonly number[]): void {
    for (let j = 0; j < indices.length; j++) {
      const i = indices[j]!;
      const { overwrites, constraint, shape } = this.#program.variables[i]!;
      if (constraint !== null && !overwrites) constraint(this.#variables[i]!.data, shape);
      if ((phase === 'update' || constraint !== null) && !averageOverwrite) this.#giveBack(i);
    }
    if (averageOverwrite) for (let i = 0; i < this.#variables.length; i++) this.#giveBack(i);
  }

  /** A tensor that is freed with the session. */
  #make(length: number): Tensor {
    const tensor = new Tensor(this.#arena, [length], length);
    this.#made.add(tensor);
    return tensor;
  }

  #free(): void {
    for (const tensor of this.#made) tensor.free();
    this.#made.clear();
  }

  /** The tensors of a variable: its own, or a copy of the array, and slots filled with their first values. */
  #makeTensors(definition: StepDefinition, index: number, place: Place): Tensors {
    const tensors: Record<string, Tensor> = {};
    for (const { name, initial = 0 } of definition.tensorsOf(index)) {
      if (name === 'variable') tensors[name] = this.#tensorAt(place);
      else {
        tensors[name] = this.#make(place.length);
        if (initial !== 0) tensors[name].data.fill(initial);
      }
    }
    return tensors;
  }

  /** The tensor of a variable: itself, or the copy of an array. */
  #tensorAt(place: Place): Tensor {
    if (place instanceof Tensor) return place;
    return copyOf(this.#arena, place)?.tensor ?? this.#make(place.length);
  }

  #checkAttached(): void {
    const variables = this.#variables;
    const arrays = this.#arrays;
    for (let i = 0; i < variables.length; i++) {
      const { at, length } = variables[i]!;
      const array = arrays[i]!;
      if (at !== 0 && (array === null || array.length === length)) continue;
      const why =
        this.#copies[i] && at === 0
          ? 'was taken by another optimizer, of another arena or of another part of the array: build both on the same arrays, with one wasm()'
          : 'was freed, detached or resized';
      throw new SgdError('SGD_DETACHED', `the memory of "${this.#program.variables[i]!.path}" ${why}`);
    }
  }

  /** Writes a variable back to the user's array. */
  #copyOut(i: number): void {
    const copy = this.#copies[i];
    if (copy) this.#arrays[i]!.set(copy.tensor.data);
  }

  #giveBack(i: number): void {
    if (this.#copyBack) this.#copyOut(i);
  }

  /** The values of a slot, of a length if one is given. */
  #find({ slot, index }: Entry, length?: number): Float32Array {
    this.#checkAttached();
    const found = this.#tensors[index]?.[slot];
    if (found?.at && found.length === (length ?? found.length)) return found.data;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${found?.length}, got ${length}`);
  }
}
