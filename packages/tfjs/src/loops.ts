import { ArraySteps } from '@sgd/compile';
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
    indices.forEach((index, j) => this.#bind(index, situation, given[j]!));
    try {
      if (!this.#steps.read(situation, given, indices)) return false;
      this.#steps.write(step, situation, indices, (index, itsSituation) => {
        if (itsSituation !== situation) this.#bind(index, itsSituation);
        this.#write(index, itsSituation);
      });
    } finally {
      for (const index of indices) this.#steps.kernels.bind(index, situation, {});
    }
    if (step.phase === 'update' && step.ordinary) this.#measure();
    return true;
  }

  /** Binds the kernels of a variable to its arrays. */
  #bind(index: number, situation: number, gradient?: FloatArray): void {
    const { kernels } = this.#steps;
    const arrays: Record<string, FloatArray> = {};
    const written = kernels.updates.rows[index]![situation]?.kernel.written;
    for (const name of this.#names[index]!) {
      if (name !== 'variable' && written?.includes(name)) this.#own(name, index);
      const tensor = tensorOf(this.#state, name, index);
      // a variable that is known from a loaded state only takes part later
      if (tensor) arrays[name] = this.#arrayOf(tensor);
    }
    if (gradient !== undefined) arrays.gradient = gradient;
    kernels.bind(index, situation, arrays);
  }

  #write(index: number, situation: number): void {
    const { kernels } = this.#steps;
    const bound = kernels.updates.rows[index]![situation];
    if (bound === undefined) return;
    const { arrays, kernel } = bound;
    const place = kernel.written.includes('variable') ? kernel.tensors.indexOf('variable') : -1;
    if (place >= 0) arrays[place] = arrays[place]!.slice();
    this.#steps.run(index, situation);
    if (place >= 0) {
      const { variable } = this.#state.refs[index]!;
      const tensor = this.#make(arrays[place]!, variable.shape);
      variable.assign(tensor);
      tensor.dispose();
    }
    kernels.bind(index, situation, {});
  }

  /** A slot that somebody else holds, too, gets an array of its own. */
  #own(name: string, index: number): void {
    const tensor = tensorOf(this.#state, name, index)!;
    if (this.#engine.refCount(tensor.dataId) < 2) return;
    put(this.#state, name, index, this.#make(this.#arrayOf(tensor).slice(), tensor.shape));
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
