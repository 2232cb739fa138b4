import { RECORD, type WasmExports } from '@sgd/compile';
import type { Measured, Program, Step } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import type { Arena } from './arena.ts';
import { GlobalNorm } from './global-norm.ts';
import { programCode } from './program-code.ts';
import { Region } from './region.ts';
import { TaskTable } from './task-table.ts';
import type { Tensor } from './tensor.ts';

/** The tensors of a variable by name: `variable`, and what the optimizer keeps for it. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** What {@link StepRunner} works on. */
export interface RunnerSettings {
  readonly arena: Arena;
  readonly program: Program;
  readonly definition: StepDefinition;
  /** By variable. */
  readonly tensors: readonly Tensors[];
  /** Takes memory of the arena that the session keeps. */
  readonly make: (length: number) => Tensor;
}

/**
 * Runs steps in WebAssembly. What the kernels read (records of the variables, tasks, numbers, a list of tasks) is in one piece of the arena. A
 * step is one call that writes, preceded by one that reads where norms or finite checks are needed; a global norm takes one more.
 */
export class StepRunner {
  readonly #arena: Arena;
  readonly #definition: StepDefinition;
  readonly #measures: Program['measure'];
  readonly #updates: TaskTable;
  readonly #squares: TaskTable;
  readonly #globalNorm: GlobalNorm | null;
  readonly #exports: WasmExports;
  /** Addresses. */
  readonly #list: number;
  readonly #observed: number;
  readonly #records: number;
  readonly #recordBytes: number;
  readonly #count: number;
  /** By variable: the last step that had a gradient for it. */
  readonly #lastGiven: Float64Array;
  #steps = 0;
  #hasUpdated = false;

  /** Throws `SgdError` `SGD_BACKEND` when there is no room. */
  constructor({ arena, program, definition, tensors, make }: RunnerSettings) {
    const count = tensors.length;
    const { code, kindOf } = programCode(program, definition);
    const region = new Region();
    this.#updates = new TaskTable(program, definition, code.updates, kindOf, region);
    this.#squares = new TaskTable(program, definition, code.squares, kindOf, region);
    this.#globalNorm = code.clipFactor && new GlobalNorm(code.clipFactor, definition, count, region);
    this.#recordBytes = Math.ceil(Math.max(this.#updates.recordBytes, this.#squares.recordBytes) / 8) * 8;
    const [list, observed] = [region.reserve(4 * (count + 1)), region.reserve(8 * program.measure.size)];
    const records = region.reserve(this.#recordBytes * count);

    this.#exports = arena.instantiate(code.module);
    const { at: base } = make(region.bytes / 4);
    this.#arena = arena;
    this.#definition = definition;
    this.#measures = program.measure;
    this.#count = count;
    this.#list = base + list;
    this.#observed = base + observed;
    this.#records = base + records;
    this.#lastGiven = new Float64Array(count);
    this.#layOut(base, code.tensors, tensors);
  }

  /** Sets the address of a variable's gradient in this step or, with an address of 0, the number by which it is streamed. */
  lend(index: number, address: number, fed: number): void {
    const { words } = this.#arena;
    const record = this.#recordOf(index) >>> 2;
    words[record + RECORD.tensors] = address;
    words[record + RECORD.fed] = fed;
  }

  /** Runs the kernels over the gradients that were lent, in this order; returns whether the step was taken. */
  run(step: Step, indices: readonly number[]): boolean {
    const { scalars, situations } = this.#definition;
    const exports = this.#exports;
    scalars.fill(step);
    const situation = situations.keyOf(step, true);
    if (!this.#clipGlobally(situation, indices)) return false;
    const updates = this.#updates;
    updates.begin(this.#arena, situation);
    let count = this.#listTasks(updates, situation, indices);
    if (updates.reduces[situation]! && exports.reduce(this.#list, count) === 0) return false;
    if (step.phase === 'update' && step.ordinary) this.#clearFigures();
    if (indices.length < this.#count) count = this.#listMissing(situations.keyOf(step, false), indices, count);
    exports.write(this.#list, count);
    return true;
  }

  /** The figures of the last updating step. */
  measured(): Measured {
    const made: Measured = {};
    if (!this.#hasUpdated) return made;
    const { float64 } = this.#arena;
    let place = this.#observed >>> 3;
    if (this.#measures.has('gradient-norm')) made.gradientNorm = Math.sqrt(float64[place++]!);
    if (this.#measures.has('update-norm')) made.updateNorm = Math.sqrt(float64[place]!);
    return made;
  }

  #layOut(base: number, names: readonly string[], tensors: readonly Tensors[]): void {
    const arena = this.#arena;
    tensors.forEach((own, i) => {
      const record = this.#recordOf(i) >>> 2;
      arena.words[record + RECORD.bytes] = 4 * own.variable!.length;
      arena.words[record + RECORD.observed] = this.#observed;
      names.forEach((name, t) => {
        arena.words[record + RECORD.tensors + t] = own[name]?.at ?? 0;
      });
    });
    for (const table of [this.#updates, this.#squares]) table.layOut(arena, base, (i) => this.#recordOf(i));
    this.#globalNorm?.layOut(arena, base);
  }

  #recordOf(index: number): number {
    return this.#records + this.#recordBytes * index;
  }

  /** Takes the norm over all gradients, where there is one. Returns whether it lets the step be taken. */
  #clipGlobally(situation: number, indices: readonly number[]): boolean {
    const norm = this.#globalNorm;
    const tasks = this.#squares.addresses[situation];
    if (norm === null || tasks === undefined) return true;
    const arena = this.#arena;
    const { words } = arena;
    let count = 0;
    for (let j = 0; j < indices.length; j++) {
      const index = indices[j]!;
      const task = tasks[index]!;
      if (task === 0) continue;
      words[(this.#recordOf(index) >>> 2) + RECORD.results] = norm.squaresAt(count);
      words[(this.#list >>> 2) + count++] = task;
    }
    if (count === 0) return true;
    this.#squares.begin(arena, situation);
    words[(this.#list >>> 2) + count] = norm.begin(arena, count);
    if (this.#exports.reduce(this.#list, count + 1) === 0) return false;
    norm.take(arena);
    return true;
  }

  /** Lists the tasks of variables in order; returns how many there are. */
  #listTasks({ addresses }: TaskTable, situation: number, indices: readonly number[]): number {
    const tasks = addresses[situation];
    if (tasks === undefined) return 0;
    const { words } = this.#arena;
    const list = this.#list >>> 2;
    let count = 0;
    for (let j = 0; j < indices.length; j++) {
      const task = tasks[indices[j]!]!;
      if (task !== 0) words[list + count++] = task;
    }
    return count;
  }

  /** Lists the tasks of variables without a gradient after `count` others: accumulators are reset, averages move on. */
  #listMissing(situation: number, indices: readonly number[], count: number): number {
    const tasks = this.#updates.addresses[situation];
    if (tasks === undefined) return count;
    this.#updates.begin(this.#arena, situation);
    const { words } = this.#arena;
    let next = (this.#list >>> 2) + count;
    this.#steps++;
    for (const i of indices) this.#lastGiven[i] = this.#steps;
    for (let i = 0; i < this.#count; i++) {
      if (this.#lastGiven[i] !== this.#steps && tasks[i] !== 0) words[next++] = tasks[i]!;
    }
    return next - (this.#list >>> 2);
  }

  #clearFigures(): void {
    const { float64 } = this.#arena;
    const from = this.#observed >>> 3;
    for (let i = 0; i < this.#measures.size; i++) float64[from + i] = 0;
    this.#hasUpdated = true;
  }
}
