import { type StepNumbers, TASK, type WasmKernel } from '@sgd/compile';
import type { Program } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import type { Arena } from './arena.ts';
import type { Kernels } from './program-code.ts';
import type { Region } from './region.ts';

/** Numbers that the tasks of a group have in common. */
interface GroupNumbers {
  readonly numbers: StepNumbers;
  /** In bytes, from the start of the session's memory. */
  readonly at: number;
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
  /** By situation and variable: the address of a task, or 0. `undefined` for situations without any. */
  readonly addresses: (readonly number[] | undefined)[] = [];
  /** By situation: whether anything is to be reduced. */
  readonly reduces: boolean[] = [];
  /** Bytes that the largest record needs. */
  readonly recordBytes: number;
  readonly #variables: Program['variables'];
  readonly #kindOf: readonly number[];
  readonly #planned: PlannedTasks[] = [];
  /** By situation. */
  readonly #groups: GroupNumbers[][] = [];

  constructor(
    { variables }: Program,
    { situations, scalars }: StepDefinition,
    kernels: Kernels,
    kindOf: readonly number[],
    region: Region,
  ) {
    this.#variables = variables;
    this.#kindOf = kindOf;
    for (const situation of situations.all) {
      const byKind = kernels[situation]!;
      this.reduces[situation] = byKind.some((kernel) => kernel !== null && kernel.reduce > 0);
      this.#groups[situation] = [];
      if (byKind.every((kernel) => kernel === null)) continue;
      const numbers: GroupNumbers[][] = byKind.map(() => []);
      for (let i = 0; i < variables.length; i++) {
        const kernel = byKind[kindOf[i]!]!;
        if (kernel !== null) numbers[kindOf[i]!]![variables[i]!.group] ??= planNumbers(kernel, scalars.of[i]!, region);
      }
      this.#groups[situation] = numbers.flatMap((byGroup) => Object.values(byGroup));
      const at = region.reserve(4 * TASK.words * variables.length);
      this.#planned.push({ situation, kernels: byKind, numbers, at });
    }
    this.recordBytes = Math.max(0, ...kernels.flat().map((kernel) => kernel?.recordBytes ?? 0));
  }

  /** Writes the tasks to memory that begins at `base`. */
  layOut(arena: Arena, base: number, recordOf: (index: number) => number): void {
    const { words } = arena;
    for (const { numbers, at } of this.#groups.flat()) numbers.place(arena, base + at);
    for (const { situation, kernels, numbers, at } of this.#planned) {
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
      this.addresses[situation] = addresses;
    }
  }

  /** Writes the numbers of the step under way for all tasks of a situation. */
  begin(arena: Arena, situation: number): void {
    const groups = this.#groups[situation]!;
    for (let i = 0; i < groups.length; i++) groups[i]!.numbers.begin(arena);
  }
}

function planNumbers(kernel: WasmKernel, scalars: Float64Array, region: Region): GroupNumbers {
  const numbers = kernel.numbersOf(scalars);
  return { numbers, at: region.reserve(numbers.bytes) };
}
