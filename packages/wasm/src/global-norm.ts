import { RECORD, TASK, type WasmExports, type WasmKernel, type WasmProgram } from '@sgd/compile';
import type { Program } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import type { Arena } from './arena.ts';
import type { Region } from './region.ts';

/** The norm over all gradients of a step: a task of its own, over the sums of squares of the gradients. */
export class GlobalNorm {
  readonly #definition: StepDefinition;
  readonly #kernel: WasmKernel;
  readonly #numbers: Float64Array;
  readonly #at: Readonly<Record<'record' | 'squares' | 'numbers' | 'task' | 'list', number>>;
  #base = 0;

  constructor({ variables, finiteCheck }: Program, definition: StepDefinition, module: WasmProgram, region: Region) {
    this.#definition = definition;
    const check = finiteCheck ? 'norms' : 'none';
    this.#kernel = module.add(definition.clipFactor(), 'float32', ['squares'], check);
    this.#numbers = this.#kernel.program.allocate();
    this.#at = {
      record: region.reserve(this.#kernel.recordBytes),
      squares: region.reserve(4 * variables.length),
      numbers: region.reserve(this.#kernel.layout.sharedBytes),
      task: region.reserve(4 * TASK.words),
      list: region.reserve(4),
    };
  }

  layOut({ words }: Arena, base: number): void {
    const { record, squares, numbers, task, list } = this.#at;
    this.#base = base;
    words[(base + record) / 4 + RECORD.tensors] = base + squares;
    words.set([this.#kernel.reduce, 0, base + numbers, base + record], (base + task) / 4);
    words[(base + list) / 4] = base + task;
  }

  /** Takes the sum of squares of the gradient with this number in the step. */
  set({ float32 }: Arena, which: number, squares: number): void {
    float32[(this.#base + this.#at.squares) / 4 + which] = squares;
  }

  /** Sets the factor of a step with so many sums of squares; returns whether the norm is finite, where that is asked for. */
  take(arena: Arena, { reduce }: WasmExports, count: number): boolean {
    const { record, numbers, list } = this.#at;
    const { program, layout } = this.#kernel;
    const { scalars } = this.#definition;
    arena.words[(this.#base + record) / 4 + RECORD.bytes] = 4 * count;
    program.begin(this.#numbers, scalars.of[0]!);
    layout.store(this.#numbers, arena, this.#base + numbers);
    if (reduce(this.#base + list, 1) === 0) return false;
    scalars.setClipFactor(arena.float32[(this.#base + record + this.#kernel.resultAt(0)) / 4]!);
    return true;
  }
}
