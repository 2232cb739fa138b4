import { WasmStep } from '@sgd/compile';
import type { Step } from '@sgd/core';
import { measure, put, type State, tensorOf } from '../state.ts';
import type { TakeStep } from '../step.ts';
import type { Tensor } from '../tf.ts';
import { type Heap, type HeapMemory, memoryOf } from './memory.ts';

// The fused path of the engine `wasm`: kernels that are compiled from what a step does, over the engine's own memory. Slots are written in
// place, as nobody else holds them. A variable gets a new tensor: XNNPACK keeps packed copies of weights by tensor.

const opened = new WeakMap<State, HeapPath>();

/** One step in kernels on the memory of the engine. */
export const stepInWasm: TakeStep = (state, step, gradients, indices) => {
  const heap = state.tf.backend() as unknown as Heap;
  const memory = memoryOf(heap)!;
  let path = opened.get(state);
  if (path?.isOpenIn(memory) !== true) opened.set(state, (path = new HeapPath(state, heap, memory)));
  return path.take(step, gradients, indices);
};

class HeapPath {
  readonly #state: State;
  readonly #heap: Heap;
  readonly #memory: HeapMemory;
  readonly #step: WasmStep;
  /** What kernels read besides tensors. */
  readonly #scratch: Tensor;
  /** By variable: the names of its slots. */
  readonly #slots: readonly (readonly string[])[];

  constructor(state: State, heap: Heap, memory: HeapMemory) {
    const { tf, program, definition } = state;
    const step = new WasmStep({ program, definition, memory, isShared: memory.isShared });
    const exports = memory.exportsOf(step.code);
    this.#state = state;
    this.#heap = heap;
    this.#memory = memory;
    this.#step = step;
    this.#slots = program.variables.map((_, index) =>
      definition.tensorsOf(index).flatMap(({ name }) => (name === 'variable' ? [] : name)),
    );
    this.#scratch = state.scratch = tf.keep(tf.zeros([step.bytes / 4]));
    const address = memory.addressOf(this.#scratch);
    memory.refresh();
    step.start(exports, address);
  }

  /** Whether it can go on: another memory belongs to an engine that was started anew. */
  isOpenIn(memory: HeapMemory): boolean {
    return this.#memory === memory && this.#state.scratch === this.#scratch;
  }

  take(step: Step, gradients: readonly Tensor[], indices: readonly number[]): boolean {
    const { program, definition, refs } = this.#state;
    const situation = definition.situations.keyOf(step, true);
    const missing = definition.situations.keyOf(step, false);
    const made: (Tensor | undefined)[] = [];
    try {
      const given: (Tensor | undefined)[] = [];
      indices.forEach((index, j) => (given[index] = gradients[j]!));
      program.variables.forEach((_, index) => {
        const gradient = given[index];
        made[index] = this.#bind(index, gradient ? situation : missing, gradient);
      });
      if (!this.#step.run(step, indices)) return false;
      made.forEach((tensor, index) => tensor && refs[index]!.variable.assign(tensor));
    } finally {
      for (const tensor of made) tensor?.dispose();
    }
    if (step.phase === 'update' && step.ordinary) this.#measure();
    return true;
  }

  /** Sets the addresses of what a step does to a variable. Returns the tensor of its new value, if it gets one. */
  #bind(index: number, situation: number, gradient: Tensor | undefined): Tensor | undefined {
    const kernel = this.#step.kernelOf(index, situation);
    if (kernel === null) return undefined;
    const { refs } = this.#state;
    const memory = this.#memory;
    const names = this.#slots[index]!;
    const slots = names.map((name) => {
      if (kernel.writes.has(name)) this.#own(name, index);
      return memory.addressOf(tensorOf(this.#state, name, index)!);
    });
    const lent = gradient === undefined ? 0 : memory.addressOf(gradient);
    const { variable } = refs[index]!;
    const isRead = kernel.reads.has('variable');
    const made = kernel.writes.has('variable') ? this.#make(variable.shape) : undefined;
    const old = isRead ? memory.addressOf(variable) : 0;
    const own = made === undefined ? old : memory.addressOf(made);
    // nothing makes the memory grow from here on
    memory.refresh();
    names.forEach((name, i) => this.#step.place(index, name, slots[i]!));
    if (gradient !== undefined) this.#step.lend(index, lent, 0);
    this.#step.place(index, 'variable', own);
    if (made !== undefined && isRead) memory.words.copyWithin(own >>> 2, old >>> 2, (old >>> 2) + variable.size);
    return made;
  }

  #make(shape: number[]): Tensor {
    return this.#state.tf.engine().makeTensorFromTensorInfo(this.#heap.makeOutput(shape, 'float32'));
  }

  /** A slot that somebody else holds, too, gets memory of its own. */
  #own(name: string, index: number): void {
    const { tf } = this.#state;
    const tensor = tensorOf(this.#state, name, index)!;
    if (this.#heap.refCount(tensor.dataId) < 2) return;
    put(
      this.#state,
      name,
      index,
      tf.tidy(() => tf.mul(tensor, 1)),
    );
  }

  #measure(): void {
    for (const kind of this.#state.program.measure) measure(this.#state, kind, this.#step.squares(kind)!);
  }
}
