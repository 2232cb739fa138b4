import { ArraySteps, type Tensors } from '@sgd/compile';
import type { FloatArray, Step } from '@sgd/core';
import { measure, put, type State, tensorOf } from './state.ts';
import type { TakeStep } from './step.ts';
import type { Tensor } from './tf.ts';

// The fused path of the engine `cpu`: loops over its arrays, compiled from what a step does. Slots are written in place, as nobody else
// holds them. A variable gets a new array: the old one may be the user's.

/** What the engine `cpu` keeps of a tensor. */
export interface Arrays {
  readonly data: { get(dataId: object): { readonly values?: unknown } };
  refCount(dataId: object): number;
}

const opened = new WeakMap<State, ArrayPath>();

/** One step in loops over arrays. */
export const stepInLoops: TakeStep = (state, step, gradients, indices) => {
  let path = opened.get(state);
  if (path === undefined) opened.set(state, (path = new ArrayPath(state)));
  return path.take(step, gradients, indices);
};

class ArrayPath {
  readonly #state: State;
  readonly #steps: ArraySteps;
  /** By variable: the names of its tensors. */
  readonly #names: readonly (readonly string[])[];
  /** Of the step under way, by variable. */
  readonly #gradients = new Map<number, FloatArray>();

  constructor(state: State) {
    const { program, definition } = state;
    this.#state = state;
    // arrays are given at each step
    this.#steps = new ArraySteps({ program, definition, tensors: program.variables.map(() => ({})), jitless: false });
    this.#names = program.variables.map((_, index) => definition.tensorsOf(index).map(({ name }) => name));
  }

  take(step: Step, gradients: readonly Tensor[], indices: readonly number[]): boolean {
    const given = gradients.map((gradient) => this.#arrayOf(gradient));
    const situation = this.#steps.begin(step);
    indices.forEach((index, j) => {
      this.#gradients.set(index, given[j]!);
      this.#steps.kernels.bind(index, situation, this.#arraysOf(index));
    });
    try {
      if (!this.#steps.read(situation, given, indices)) return false;
      this.#steps.write(step, situation, indices, this.#write);
    } finally {
      this.#gradients.clear();
      for (const index of indices) this.#steps.kernels.bind(index, situation, {});
    }
    if (step.phase === 'update' && step.ordinary) this.#measure();
    return true;
  }

  readonly #write = (index: number, situation: number): void => {
    const { kernels } = this.#steps;
    const bound = kernels.updates.rows[index]![situation];
    if (bound === undefined) return;
    const { written } = bound.kernel;
    for (const name of written) if (name !== 'variable') this.#own(name, index);
    const arrays = this.#arraysOf(index);
    const moved = written.includes('variable') ? arrays.variable!.slice() : null;
    kernels.bind(index, situation, moved === null ? arrays : { ...arrays, variable: moved });
    this.#steps.run(index, situation);
    kernels.bind(index, situation, {});
    if (moved === null) return;
    const { variable } = this.#state.refs[index]!;
    const tensor = this.#make(moved, variable.shape);
    variable.assign(tensor);
    tensor.dispose();
  };

  /** A slot that somebody else holds, too, gets an array of its own. */
  #own(name: string, index: number): void {
    const tensor = tensorOf(this.#state, name, index)!;
    if (this.#engine.refCount(tensor.dataId) < 2) return;
    put(this.#state, name, index, this.#make(this.#arrayOf(tensor).slice(), tensor.shape));
  }

  #arraysOf(index: number): Tensors {
    const arrays: Record<string, FloatArray> = {};
    for (const name of this.#names[index]!) {
      const tensor = tensorOf(this.#state, name, index);
      // a variable that is known from a loaded state only takes part later
      if (tensor) arrays[name] = this.#arrayOf(tensor);
    }
    const gradient = this.#gradients.get(index);
    if (gradient !== undefined) arrays.gradient = gradient;
    return arrays;
  }

  /** The array of a tensor, brought here from another engine if need be. */
  #arrayOf({ dataId }: Tensor): FloatArray {
    return this.#engine.data.get(dataId).values as Float32Array;
  }

  #make(values: FloatArray, shape: number[]): Tensor {
    return this.#state.tf.engine().makeTensor(values as Float32Array, shape, 'float32');
  }

  get #engine(): Arrays {
    return this.#state.tf.backend() as unknown as Arrays;
  }

  #measure(): void {
    for (const kind of this.#state.program.measure) measure(this.#state, kind, this.#steps.squares(kind)!);
  }
}
