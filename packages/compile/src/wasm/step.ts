import type { Measure, Program, Step } from '@sgd/core';
import { StepDefinition, sizeOf } from '@sgd/core/engine';
import { programCode, type ProgramCode } from './code.ts';
import { GlobalNorm } from './global-norm.ts';
import { RECORD } from './layout.ts';
import type { MemoryViews } from './numbers.ts';
import type { WasmExports, WasmKernel } from './program.ts';
import { Region } from './region.ts';
import { beginTasks, type SituationTasks, TaskTable } from './task-table.ts';

/** In the order in which kernels observe them. */
const MEASURES: readonly Measure[] = ['gradient-norm', 'update-norm'];

/** What {@link WasmStep} is made of. */
export interface WasmStepOptions {
  /** Of variables of float32. */
  readonly program: Program;
  /** Of the program. Default: a new one. */
  readonly definition?: StepDefinition;
  /** Views of the memory; read anew in each step, since a memory that grows has others. */
  readonly memory: MemoryViews;
  /** Whether threads share the memory. Default `false`. */
  readonly isShared?: boolean;
}

/**
 * The steps of a program in a WebAssembly memory. What the kernels read (records of the variables, tasks, numbers, a list of tasks) is in one
 * piece of it. A step is one call that writes, preceded by one that reads where norms or finite checks are needed; a global norm takes one more.
 *
 * First `bytes` and `code` say what is needed, then `start` takes it and `place` the addresses of the tensors. For each step: `lend` for each
 * gradient, then `run`.
 */
export class WasmStep {
  /** Of the step, and of its tensors, whose addresses {@link WasmStep.place} takes. */
  readonly definition: StepDefinition;
  /** The module. */
  readonly code: Uint8Array;
  /** How much memory is needed, for all its life. */
  readonly bytes: number;
  readonly #memory: MemoryViews;
  readonly #program: Program;
  readonly #tensors: ProgramCode['tensors'];
  readonly #updates: TaskTable;
  readonly #squares: TaskTable;
  readonly #globalNorm: GlobalNorm | null;
  /** By variable: the last step that had a gradient for it. */
  readonly #lastGiven: Float64Array;
  readonly #recordBytes: number;
  readonly #count: number;
  /** How many figures are observed. */
  readonly #measures: number;
  #exports: WasmExports | undefined;
  /** Addresses; at first from the start of the memory that is needed. */
  #list: number;
  #observed: number;
  #records: number;
  #steps = 0;
  #hasUpdated = false;

  constructor({ program, definition = new StepDefinition(program), memory, isShared = false }: WasmStepOptions) {
    const count = program.variables.length;
    const { code, kindOf } = programCode(program, definition, isShared);
    const region = new Region();
    this.definition = definition;
    this.#updates = new TaskTable(program, definition, code.updates, kindOf, region);
    this.#squares = new TaskTable(program, definition, code.squares, kindOf, region);
    this.#globalNorm = code.clipFactor && new GlobalNorm(code.clipFactor, definition, count, region);
    this.#recordBytes = Math.ceil(Math.max(this.#updates.recordBytes, this.#squares.recordBytes) / 8) * 8;
    this.#list = region.reserve(4 * (count + 1));
    this.#observed = region.reserve(8 * program.measure.size);
    this.#records = region.reserve(this.#recordBytes * count);
    this.#memory = memory;
    this.#program = program;
    this.#tensors = code.tensors;
    this.#count = count;
    this.#measures = program.measure.size;
    this.#lastGiven = new Float64Array(count);
    this.code = code.bytes;
    this.bytes = region.bytes;
  }

  /**
   * Takes the memory that is needed.
   *
   * @param exports - of the module, over the memory
   * @param base - its address, a multiple of 8; it is zero
   */
  start(exports: WasmExports, base: number): void {
    const memory = this.#memory;
    this.#exports = exports;
    this.#list += base;
    this.#observed += base;
    this.#records += base;
    this.#program.variables.forEach(({ shape }, i) => {
      const record = this.#recordOf(i) >>> 2;
      memory.words[record + RECORD.bytes] = 4 * sizeOf(shape);
      memory.words[record + RECORD.observed] = this.#observed;
    });
    for (const table of [this.#updates, this.#squares]) table.layOut(memory, base, (i) => this.#recordOf(i));
    this.#globalNorm?.layOut(memory, base);
  }

  /** Sets the address of a tensor of a variable. */
  place(index: number, name: string, address: number): void {
    this.#memory.words[(this.#recordOf(index) >>> 2) + RECORD.tensors + this.#tensors.indexOf(name)] = address;
  }

  /** What is run for a variable in a situation; `null` where there is nothing to do. */
  kernelOf(index: number, situation: number): WasmKernel | null {
    return this.#updates.kernelOf(index, situation);
  }

  /** Sets the address of a variable's gradient in this step or, with an address of 0, the number by which it is streamed. */
  lend(index: number, address: number, fed: number): void {
    const { words } = this.#memory;
    const record = this.#recordOf(index) >>> 2;
    words[record + RECORD.tensors] = address;
    words[record + RECORD.fed] = fed;
  }

  /** Runs the kernels over the gradients that were lent, in this order; returns whether the step was taken. */
  run(step: Step, indices: readonly number[]): boolean {
    const { scalars, situations } = this.definition;
    const exports = this.#exports!;
    scalars.fill(step);
    const situation = situations.keyOf(step, true);
    if (this.#globalNorm !== null && !this.#clipGlobally(this.#globalNorm, situation, indices)) return false;
    let count = 0;
    const tasks = this.#updates.tasks[situation];
    if (tasks !== undefined) {
      beginTasks(tasks, this.#memory);
      count = this.#listTasks(tasks, indices);
      if (tasks.reduces && exports.reduce(this.#list, count) === 0) return false;
    }
    if (this.#measures > 0 && step.phase === 'update' && step.ordinary) this.#clearFigures();
    if (indices.length < this.#count) count = this.#listMissing(situations.keyOf(step, false), indices, count);
    exports.write(this.#list, count);
    return true;
  }

  /** The sum of squares of a figure that the last updating step observed; `undefined` if there was none. */
  squares(measure: Measure): number | undefined {
    const place = MEASURES.filter((one) => this.#program.measure.has(one)).indexOf(measure);
    if (!this.#hasUpdated || place < 0) return undefined;
    return this.#memory.float64[(this.#observed >>> 3) + place];
  }

  #recordOf(index: number): number {
    return this.#records + this.#recordBytes * index;
  }

  /** Takes the norm over all gradients. Returns whether it lets the step be taken. */
  #clipGlobally(norm: GlobalNorm, situation: number, indices: readonly number[]): boolean {
    const tasks = this.#squares.tasks[situation];
    if (tasks === undefined) return true;
    const memory = this.#memory;
    const { words } = memory;
    let count = 0;
    for (let j = 0; j < indices.length; j++) {
      const index = indices[j]!;
      const task = tasks.addresses[index]!;
      if (task === 0) continue;
      words[(this.#recordOf(index) >>> 2) + RECORD.results] = norm.squaresAt(count);
      words[(this.#list >>> 2) + count++] = task;
    }
    if (count === 0) return true;
    beginTasks(tasks, memory);
    words[(this.#list >>> 2) + count] = norm.begin(memory, count);
    if (this.#exports!.reduce(this.#list, count + 1) === 0) return false;
    norm.take(memory);
    return true;
  }

  /** Lists the tasks of variables in order; returns how many there are. */
  #listTasks({ addresses }: SituationTasks, indices: readonly number[]): number {
    const { words } = this.#memory;
    const list = this.#list >>> 2;
    let count = 0;
    for (let j = 0; j < indices.length; j++) {
      const task = addresses[indices[j]!]!;
      if (task !== 0) words[list + count++] = task;
    }
    return count;
  }

  /** Lists the tasks of variables without a gradient after `count` others: accumulators are reset, averages move on. */
  #listMissing(situation: number, indices: readonly number[], count: number): number {
    const tasks = this.#updates.tasks[situation];
    if (tasks === undefined) return count;
    beginTasks(tasks, this.#memory);
    const { addresses } = tasks;
    const { words } = this.#memory;
    let next = (this.#list >>> 2) + count;
    this.#steps++;
    for (const i of indices) this.#lastGiven[i] = this.#steps;
    for (let i = 0; i < this.#count; i++) {
      if (this.#lastGiven[i] !== this.#steps && addresses[i] !== 0) words[next++] = addresses[i]!;
    }
    return next - (this.#list >>> 2);
  }

  #clearFigures(): void {
    const { float64 } = this.#memory;
    const from = this.#observed >>> 3;
    for (let i = 0; i < this.#measures; i++) float64[from + i] = 0;
    this.#hasUpdated = true;
  }
}
