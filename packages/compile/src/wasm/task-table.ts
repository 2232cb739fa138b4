import type { Program } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import type { Kernels } from './code.ts';
import { TASK } from './layout.ts';
import type { MemoryViews, StepNumbers } from './numbers.ts';
import type { WasmKernel } from './program.ts';
import type { Region } from './region.ts';

/** Numbers that the tasks of a group have in common. */
interface GroupNumbers {
  readonly numbers: StepNumbers;
  /** In bytes, from the start of the memory that the step takes. */
  readonly at: number;
}

/** The tasks of a situation. */
export interface SituationTasks {
  /** By variable: the address of a task, or 0. */
  readonly addresses: readonly number[];
  /** Whether anything is to be reduced. */
  readonly reduces: boolean;
  /** Of all tasks. */
  readonly numbers: readonly StepNumbers[];
}

/** The tasks of a situation, before they have addresses. */
interface PlannedTasks {
  readonly situation: number;
  /** By kind of variable. */
  readonly kernels: readonly (WasmKernel | null)[];
  /** By kind and group. */
  readonly numbers: readonly (readonly GroupNumbers[])[];
  /** The first; one for each variable follows, used or not. */
  readonly at: number;
}

/** A task for each variable and situation that has work. Planned first, since memory for all is taken at once; then laid out. */
export class TaskTable {
  /** By situation; `undefined` where there is nothing to do. */
  readonly tasks: (SituationTasks | undefined)[] = [];
  /** Bytes that the largest record needs. */
  readonly recordBytes: number;
  readonly #variables: Program['variables'];
  readonly #kernels: Kernels;
  readonly #kindOf: readonly number[];
  readonly #planned: PlannedTasks[] = [];

  constructor(
    { variables }: Program,
    { situations, scalars }: StepDefinition,
    kernels: Kernels,
    kindOf: readonly number[],
    region: Region,
  ) {
    this.#variables = variables;
    this.#kindOf = kindOf;
    this.#kernels = kernels;
    for (const situation of situations.all) {
      const byKind = kernels[situation]!;
      if (byKind.every((kernel) => kernel === null)) continue;
      const numbers: GroupNumbers[][] = byKind.map(() => []);
      for (let i = 0; i < variables.length; i++) {
        const kernel = byKind[kindOf[i]!]!;
        if (kernel !== null) numbers[kindOf[i]!]![variables[i]!.group] ??= planNumbers(kernel, scalars.of[i]!, region);
      }
      const at = region.reserve(4 * TASK.words * variables.length);
      this.#planned.push({ situation, kernels: byKind, numbers, at });
    }
    this.recordBytes = Math.max(0, ...kernels.flat().map((kernel) => kernel?.recordBytes ?? 0));
  }

  /** What is run for a variable in a situation, if there is anything to do. */
  kernelOf(index: number, situation: number): WasmKernel | null {
    return this.#kernels[situation]![this.#kindOf[index]!]!;
  }

  /** Writes the tasks to memory that begins at `base`. */
  layOut(memory: MemoryViews, base: number, recordOf: (index: number) => number): void {
    const { words } = memory;
    for (const { situation, kernels, numbers, at } of this.#planned) {
      const groups = numbers.flatMap((byGroup) => Object.values(byGroup));
      for (const group of groups) group.numbers.place(memory, base + group.at);
      const addresses: number[] = [];
      for (let i = 0; i < this.#kindOf.length; i++) {
        const kind = this.#kindOf[i]!;
        const kernel = kernels[kind]!;
        const address = base + at + 4 * TASK.words * i;
        addresses.push(kernel === null ? 0 : address);
        if (kernel === null) continue;
        const word = address >>> 2;
        words[word + TASK.reduce] = kernel.reduce;
        words[word + TASK.write] = kernel.write;
        words[word + TASK.numbers] = base + numbers[kind]![this.#variables[i]!.group]!.at;
        words[word + TASK.record] = recordOf(i);
      }
      this.tasks[situation] = {
        addresses,
        reduces: kernels.some((kernel) => kernel !== null && kernel.reduce > 0),
        numbers: groups.map((group) => group.numbers),
      };
    }
  }
}

/** Writes the numbers of the step under way for all tasks of a situation. */
export function beginTasks({ numbers }: SituationTasks, memory: MemoryViews): void {
  for (let i = 0; i < numbers.length; i++) numbers[i]!.begin(memory);
}

function planNumbers(kernel: WasmKernel, scalars: Float64Array, region: Region): GroupNumbers {
  const numbers = kernel.numbersOf(scalars);
  return { numbers, at: region.reserve(numbers.bytes) };
}
