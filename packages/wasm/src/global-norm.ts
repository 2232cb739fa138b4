import { RECORD, type StepNumbers, TASK, type WasmKernel } from '@sgd/compile';
import type { StepDefinition } from '@sgd/core/engine';
import type { Arena } from './arena.ts';
import type { Region } from './region.ts';

/** The norm over all gradients of a step: a task of its own, over the sums of squares of the gradients. */
export class GlobalNorm {
  readonly #definition: StepDefinition;
  readonly #kernel: WasmKernel;
  readonly #numbers: StepNumbers;
  readonly #at: Readonly<Record<'record' | 'squares' | 'factor' | 'numbers' | 'task', number>>;
  #base = 0;

  /** @param variables - how many there are */
  constructor(kernel: WasmKernel, definition: StepDefinition, variables: number, region: Region) {
    this.#definition = definition;
    this.#kernel = kernel;
    this.#numbers = kernel.numbersOf(definition.scalars.of[0]!);
    this.#at = {
      record: region.reserve(this.#kernel.recordBytes),
      squares: region.reserve(4 * variables),
      factor: region.reserve(4),
      numbers: region.reserve(this.#numbers.bytes),
      task: region.reserve(4 * TASK.words),
    };
  }

  layOut(arena: Arena, base: number): void {
    const { words } = arena;
    const { record, squares, factor, numbers, task } = this.#at;
    this.#base = base;
    words[(base + record) / 4 + RECORD.results] = base + factor;
    words[(base + record) / 4 + RECORD.tensors] = base + squares;
    words.set([this.#kernel.reduce, 0, base + numbers, base + record], (base + task) / 4);
    this.#numbers.place(arena, base + numbers);
  }

  /** The address of the task that is to be run after the squares of so many gradients were summed. */
  begin(arena: Arena, count: number): number {
    arena.words[((this.#base + this.#at.record) >>> 2) + RECORD.bytes] = 4 * count;
    this.#numbers.begin(arena);
    return this.#base + this.#at.task;
  }

  /** Where the sum of squares of the gradient with this number in the step is to be. */
  squaresAt(which: number): number {
    return this.#base + this.#at.squares + 4 * which;
  }

  /** Sets the factor of the step, once the task was run. */
  take({ float32 }: Arena): void {
    this.#definition.scalars.setClipFactor(float32[(this.#base + this.#at.factor) >>> 2]!);
  }
}
