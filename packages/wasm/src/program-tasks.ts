import { type FiniteCheck, type StepNumbers, TASK, type WasmKernel, type WasmProgram } from '@sgd/compile';
import type { Program } from '@sgd/core';
import type { Kernel, StepDefinition } from '@sgd/core/engine';
import type { Arena } from './arena.ts';
import type { Region } from './region.ts';

/** Records a kernel for a variable in a situation; `null` where there is nothing to do. */
export type RecordKernel = (index: number, situation: number) => Kernel | null;

/** What a set of tasks is made for. */
export interface TaskSettings {
  readonly program: Program;
  readonly definition: StepDefinition;
  /** The module that the kernels become part of. */
  readonly module: WasmProgram;
  /** The names of the tensors of a record. */
  readonly tensors: readonly string[];
}

/** Numbers that the tasks of a group have in common. */
interface GroupNumbers {
  readonly numbers: StepNumbers;
  /** In bytes, from the start of the session's memory. */
  readonly at: number;
}

/** A task, before it has an address. */
interface PlannedTask {
  readonly kernel: WasmKernel;
  readonly numbersAt: number;
  readonly at: number;
}

const nothing: readonly GroupNumbers[] = [];

/**
 * A kernel for each kind of variable and situation, and a task for each variable and situation that has work. Planned first, since memory for
 * all is taken at once; then laid out.
 */
export class TaskTable {
  /** By situation and variable: the address of a task, or 0. `undefined` for situations without any. */
  readonly addresses: (readonly number[] | undefined)[] = [];
  /** By situation: whether anything is to be reduced. */
  readonly reduces: boolean[] = [];
  /** Bytes that the largest record needs. */
  readonly recordBytes: number;
  readonly #planned: (readonly (PlannedTask | undefined)[])[] = [];
  /** By situation. */
  readonly #groups: GroupNumbers[][] = [];

  constructor(
    { program, definition, module, tensors }: TaskSettings,
    region: Region,
    record: RecordKernel,
    checkOf: (index: number, situation: number, kernel: Kernel) => FiniteCheck,
  ) {
    const { scalars, situations } = definition;
    const kernels = new Map<string, WasmKernel | null>();
    const shared = new Map<string, GroupNumbers>();
    let recordBytes = 0;
    const kernelOf = (index: number, situation: number, key: string): WasmKernel | null => {
      let kernel = kernels.get(key);
      if (kernel !== undefined) return kernel;
      const traced = record(index, situation);
      const { dtype } = program.variables[index]!;
      kernel = traced && module.add(traced, dtype, tensors, checkOf(index, situation, traced));
      if (kernel?.reduce === 0 && kernel.write === 0) kernel = null;
      kernels.set(key, kernel);
      recordBytes = Math.max(recordBytes, kernel?.recordBytes ?? 0);
      return kernel;
    };
    const plan = (situation: number, index: number): PlannedTask | undefined => {
      const key = definition.kernelKey(index, situation);
      const kernel = kernelOf(index, situation, key);
      if (kernel === null) return undefined;
      const groupKey = `${key} ${program.variables[index]!.group}`;
      let group = shared.get(groupKey);
      if (group === undefined) {
        const numbers = kernel.numbersOf(scalars.of[index]!);
        group = { numbers, at: region.reserve(numbers.bytes) };
        shared.set(groupKey, group);
        (this.#groups[situation] ??= []).push(group);
      }
      return { kernel, numbersAt: group.at, at: region.reserve(4 * TASK.words) };
    };
    for (const situation of situations.all) {
      const planned = program.variables.map((_, index) => plan(situation, index));
      this.reduces[situation] = planned.some((task) => task !== undefined && task.kernel.reduce > 0);
      if (planned.some((task) => task !== undefined)) this.#planned[situation] = planned;
    }
    this.recordBytes = recordBytes;
  }

  /** Writes the tasks to memory that begins at `base`. */
  layOut(arena: Arena, base: number, recordOf: (index: number) => number): void {
    const { words } = arena;
    for (const { numbers, at } of this.#groups.flat()) numbers.place(arena, base + at);
    this.#planned.forEach((planned, situation) => {
      this.addresses[situation] = planned.map((task, index) => {
        if (task === undefined) return 0;
        const address = base + task.at;
        words[address / 4 + TASK.reduce] = task.kernel.reduce;
        words[address / 4 + TASK.write] = task.kernel.write;
        words[address / 4 + TASK.numbers] = base + task.numbersAt;
        words[address / 4 + TASK.record] = recordOf(index);
        return address;
      });
    });
  }

  /** Writes the numbers of the step under way for all tasks of a situation. */
  begin(arena: Arena, situation: number): void {
    const groups = this.#groups[situation] ?? nothing;
    for (let i = 0; i < groups.length; i++) groups[i]!.numbers.begin(arena);
  }
}
