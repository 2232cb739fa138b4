import type { StepDefinition } from '@sgd/core/engine';
import { RECORD, TASK } from './layout.ts';
import type { MemoryViews, StepNumbers } from './numbers.ts';
import type { WasmKernel } from './program.ts';
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

  layOut(memory: MemoryViews, base: number): void {
    const { words } = memory;
    const { record, squares, factor, numbers, task } = this.#at;
    this.#base = base;
    words[(base + record) / 4 + RECORD.results] = base + factor;
    words[(base + record) / 4 + RECORD.tensors] = base + squares;
    words.set([this.#kernel.reduce, 0, base + numbers, base + record], (base + task) / 4);
    this.#numbers.place(memory, base + numbers);
  }

  /** The address of the task that is to be run after the squares of so many gradients were summed. */
  begin(memory: MemoryViews, count: number): number {
    memory.words[((this.#base + this.#at.record) >>> 2) + RECORD.bytes] = 4 * count;
    this.#numbers.begin(memory);
    return this.#base + this.#at.task;
  }

  /** Where the sum of squares of the gradient with this number in the step is to be. */
  squaresAt(which: number): number {
    return this.#base + this.#at.squares + 4 * which;
  }

  /** Sets the factor of the step, once the task was run. */
  take({ float32 }: MemoryViews): void {
    this.#definition.scalars.setClipFactor(float32[(this.#base + this.#at.factor) >>> 2]!);
  }
}
