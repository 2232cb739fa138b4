import { GlobalNorm, isFiniteArray } from '@sgd/compile';
import type { Measure, Measured, Program } from '@sgd/core';
import { type BoundPlan, Plans } from './plan.ts';
import type { Reader, ReaderSettings } from './reader.ts';
import { call, type Work } from './steps.ts';
import type { VariableWork } from './work.ts';

type HostWork = VariableWork<Float32Array>;

/** The modes cpu and webasm: the host sums arrays itself, in the order in which Keras does. */
export class HostReader implements Reader<Float32Array> {
  readonly #program: Program;
  readonly #begin: ReaderSettings<Float32Array>['begin'];
  readonly #squares: Plans;
  readonly #norm: GlobalNorm | null;
  readonly #measures: readonly Measure[];
  readonly #observed: Float64Array;
  #hasUpdated = false;

  constructor({ program, definition, options, begin }: ReaderSettings<Float32Array>) {
    const measures: readonly Measure[] = ['gradient-norm', 'update-norm'];
    this.#program = program;
    this.#begin = begin;
    this.#squares = new Plans(definition, options, (i, situation) => definition.squaredNorm(i, situation));
    this.#norm = definition.hasGlobalNorm ? new GlobalNorm(definition, program.variables.length, false) : null;
    this.#measures = measures.filter((measure) => program.measure.has(measure));
    this.#observed = new Float64Array(this.#measures.length);
  }

  read(works: readonly HostWork[], situation: number): Work<boolean> {
    return call(() => this.#read(works, situation));
  }

  forget(): void {
    this.#hasUpdated = false;
  }

  startMeasuring(): void {
    this.#observed.fill(0);
    this.#hasUpdated = true;
  }

  measure(work: HostWork): Work<void> {
    return call(() => {
      if (work.update === null) return;
      const { plan, numbers } = work.update;
      plan.onHost!.write(arraysOf(work, work.update), work.size, numbers, this.#observed);
    });
  }

  measured(): Work<Measured> {
    return call(() => {
      const made: Measured = {};
      const normOf = (measure: Measure): number => Math.sqrt(this.#observed[this.#measures.indexOf(measure)]!);
      if (this.#hasUpdated && this.#measures.includes('gradient-norm')) made.gradientNorm = normOf('gradient-norm');
      if (this.#hasUpdated && this.#measures.includes('update-norm')) made.updateNorm = normOf('update-norm');
      return made;
    });
  }

  #read(works: readonly HostWork[], situation: number): boolean {
    if (!this.#clipGlobally(works, situation)) return false;
    for (const work of works) {
      this.#begin(work, situation);
      if (work.update !== null) sumUp(work, work.update);
    }
    return !this.#program.finiteCheck || works.every((work) => isFiniteWork(work));
  }

  /** Takes the norm over all gradients, where there is one. Returns whether it lets the step be taken. */
  #clipGlobally(works: readonly HostWork[], situation: number): boolean {
    const norm = this.#norm;
    if (norm === null) return true;
    norm.clear();
    for (const work of works) {
      const bound = this.#squares.begin(work.index, situation);
      if (bound === null) continue;
      sumUp(work, bound);
      norm.add(bound.plan.onHost!.result(bound.numbers, 0), 'float32');
    }
    return !norm.take() || !this.#program.finiteCheck || norm.isFinite;
  }
}

const none = new Float32Array(0);

function arraysOf(work: HostWork, { plan }: BoundPlan): Float32Array[] {
  return plan.kernel.tensors.map((name) => work.tensorOf(name) ?? none);
}

/** Takes the sums of a kernel, and what follows from them. */
function sumUp(work: HostWork, bound: BoundPlan): void {
  const { plan, numbers } = bound;
  if (plan.onHost!.reduces) plan.onHost!.reduce(arraysOf(work, bound), work.size, numbers);
}

/** A finite norm has finite elements, and it may be infinite where they are not. */
function isFiniteWork({ update, gradient }: HostWork): boolean {
  const kernel = update?.plan.onHost;
  if (kernel?.hasNorms === true) return kernel.isFinite(update!.numbers);
  return gradient === null || isFiniteArray(gradient);
}
