import type { Measure, Step } from '@sgd/core';
import { pairwiseSum, sizeOf } from '@sgd/core/engine';
import { engineOf } from './engines.ts';
import { allFinite, LARGEST } from './numbers.ts';
import { measure, type State } from './state.ts';
import { totalOnDevice } from './sums.ts';
import { TensorOps, type Value } from './tensor-ops.ts';
import type { Tensor } from './tf.ts';

/** One variable in a step. */
export interface Job {
  readonly state: State;
  readonly index: number;
  readonly situation: number;
  readonly gradient: Tensor | null;
  readonly ops: TensorOps;
  /** The numbers of the step; the factor of a norm over all may be on the device. */
  readonly scalars: Readonly<Record<string, Value>>;
}

/** What a step does to a variable, in this order. */
export interface Work {
  /** The sum of squares of a gradient that counts for the norm over all. */
  squaredNorm(): Value;
  /** Computes without writing. Returns the norms, which are finite only if the gradient is. */
  compute(): readonly Value[];
  /** Stores the new values. Returns the sums of squares that are measured. */
  write(): readonly (readonly [Measure, Value])[];
}

/** A way to compute. */
export type Method = (job: Job) => Work;

/** A way to take a step. Returns whether it was taken. */
export type TakeStep = (state: State, step: Step, gradients: readonly Tensor[], indices: readonly number[]) => boolean;

/** Steps over tensors of tfjs. Nothing is read back from a device, except by a finite check. */
export function stepBy(method: Method): TakeStep {
  return (state, step, gradients, indices) => {
    const run = new StepRun(method, state, step);
    try {
      return state.tf.tidy(() => run.take(gradients, indices));
    } finally {
      run.dispose();
    }
  };
}

const operations = new WeakMap<State, TensorOps>();

/** Kept from step to step, as long as the engine is the same. */
function operationsOf(state: State): TensorOps {
  let ops = operations.get(state);
  if (ops?.engine !== engineOf(state.tf)) operations.set(state, (ops = new TensorOps(state.tf)));
  return ops;
}

class StepRun {
  readonly #method: Method;
  readonly #state: State;
  readonly #step: Step;
  readonly #ops: TensorOps;
  readonly #scalars = new Map<Float64Array, Record<string, Value>>();

  constructor(method: Method, state: State, step: Step) {
    this.#method = method;
    this.#state = state;
    this.#step = step;
    this.#ops = operationsOf(state);
    state.definition.scalars.fill(step);
  }

  dispose(): void {
    this.#ops.dispose();
  }

  take(gradients: readonly Tensor[], indices: readonly number[]): boolean {
    const { program, definition } = this.#state;
    const { isHosted } = this.#ops;
    if (program.finiteCheck && isHosted && !gradients.every(isFiniteOnHost)) return false;
    const situation = definition.situations.keyOf(this.#step, true);
    const jobs = indices.map((index, j) => this.#job(index, situation, gradients[j]!));
    const works = jobs.map((job) => this.#method(job));
    const norms = [...this.#clipGlobally(jobs, works)];
    jobs.forEach((job, j) => {
      if (this.#begin(job) > 0) norms.push(...works[j]!.compute());
    });
    if (program.finiteCheck) {
      if (!(isHosted ? norms.every(Number.isFinite) : this.#isFiniteOnDevice(gradients, norms))) return false;
    }
    const observed = works.flatMap((work, j) => (this.#begin(jobs[j]!) > 0 ? work.write() : []));
    this.#moveMissing(indices);
    this.#measure(observed);
    return true;
  }

  #job(index: number, situation: number, gradient: Tensor | null): Job {
    const { definition } = this.#state;
    const numbers = definition.scalars.of[index]!;
    let scalars = this.#scalars.get(numbers);
    if (scalars === undefined) {
      scalars = {};
      for (const [i, name] of definition.scalars.names.entries()) scalars[name] = Math.fround(numbers[i]!);
      this.#scalars.set(numbers, scalars);
    }
    return { state: this.#state, index, situation, gradient, ops: this.#ops, scalars };
  }

  /** Computes the clip factor of the global norm, where there is one. Returns the norms to check. */
  #clipGlobally(jobs: readonly Job[], works: readonly Work[]): readonly Value[] {
    const { definition } = this.#state;
    if (!definition.hasGlobalNorm) return [];
    const { tf, isHosted } = this.#ops;
    const squares: Value[] = [];
    jobs.forEach((job, j) => {
      const size = this.#begin(job);
      const isCounted = definition.defineSquaredNorm(job.index, job.situation) !== null;
      if (isCounted && (size > 0 || isHosted)) squares.push(size === 0 ? 0 : works[j]!.squaredNorm());
    });
    if (squares.length === 0) return [];
    const sum = (): Value =>
      isHosted
        ? pairwiseSum(squares as readonly number[], Math.fround)
        : totalOnDevice(tf, squares as readonly Tensor[]);
    const define = definition.defineClipFactor();
    const ops = Object.assign(Object.create(this.#ops) as TensorOps, { sum });
    const { results = [], norms = [] } = define<Value>(ops, { squares: 0 }, jobs[0]!.scalars);
    for (const scalars of this.#scalars.values()) scalars.clipFactor = results[0]!;
    return norms;
  }

  /** The variables without a gradient: accumulators are reset, averages move on. */
  #moveMissing(indices: readonly number[]): void {
    const { program, definition } = this.#state;
    if (indices.length === program.variables.length) return;
    const given = new Set(indices);
    const situation = definition.situations.keyOf(this.#step, false);
    program.variables.forEach((_, index) => {
      if (given.has(index)) return;
      const job = this.#job(index, situation, null);
      if (this.#begin(job) === 0) return;
      const work = this.#method(job);
      work.compute();
      work.write();
    });
  }

  /** Prepares the operations for a variable. Returns its number of elements: GPU kernels fail on 0. */
  #begin({ index }: Job): number {
    return (this.#ops.size = sizeOf(this.#state.program.variables[index]!.shape));
  }

  /** Whether all elements and all norms are finite, in one read. */
  #isFiniteOnDevice(gradients: readonly Tensor[], norms: readonly Value[]): boolean {
    const { tf } = this.#ops;
    const all = [...gradients.filter(({ size }) => size > 0), ...norms.map((norm) => this.#ops.tensor(norm))];
    if (all.length === 0) return true;
    const limit = this.#ops.tensor(LARGEST);
    const [answer] = all
      .map((tensor) => tf.all(tf.lessEqual(tf.abs(tensor), limit)))
      .reduce((a, b) => tf.logicalAnd(a, b))
      .dataSync();
    return answer !== 0;
  }

  #measure(observed: readonly (readonly [Measure, Value])[]): void {
    const { phase, ordinary } = this.#step;
    if (phase !== 'update' || !ordinary) return;
    const { tf, isHosted } = this.#ops;
    for (const kind of this.#state.program.measure) {
      const squares = observed.filter(([of]) => of === kind).map(([, sum]) => sum);
      measure(
        this.#state,
        kind,
        isHosted
          ? (squares as readonly number[]).reduce((sum, each) => sum + each, 0)
          : totalOnDevice(tf, squares as readonly Tensor[]),
      );
    }
  }
}

const isFiniteOnHost = (gradient: Tensor): boolean => allFinite(gradient.dataSync<'float32'>());
