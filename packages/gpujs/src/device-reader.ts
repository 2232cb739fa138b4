import type { Measure, Measured, Program } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import { flaws } from './formula.ts';
import { type BoundPlan, Plan, Plans } from './plan.ts';
import type { Reader, ReaderSettings } from './reader.ts';
import { readTotal, type Reductions } from './reductions.ts';
import { settled, type Work } from './steps.ts';
import { numbersOf, type VariableWork, type WorkContext } from './work.ts';

/** Modes on a device: sums are kernels and stay there. One element is read, where the host must decide. */
export class DeviceReader<T> implements Reader<T> {
  readonly #program: Program;
  readonly #definition: StepDefinition;
  readonly #context: WorkContext<T>;
  readonly #begin: ReaderSettings<T>['begin'];
  readonly #reductions: Reductions<T>;
  readonly #squares: Plans;
  readonly #factor: BoundPlan | null;
  /** Sums of squares of the last step that updated. */
  #figures: Record<Measure, T[]> | null = null;

  constructor({ program, definition, context, options, begin }: ReaderSettings<T>) {
    this.#program = program;
    this.#definition = definition;
    this.#context = context;
    this.#begin = begin;
    this.#reductions = context.device.reductions!;
    this.#squares = new Plans(definition, options, (i, situation) => definition.squaredNorm(i, situation));
    const plan = definition.hasGlobalNorm ? new Plan(definition.clipFactor(), options) : null;
    this.#factor = plan && { plan, numbers: plan.numbers.allocate() };
  }

  *read(works: readonly VariableWork<T>[], situation: number): Work<boolean> {
    const { device } = this.#context;
    const { finiteCheck } = this.#program;
    const found: T[] = [];
    try {
      if (finiteCheck) {
        for (const { gradient, size } of works) {
          if (gradient !== null) found.push(yield* this.#reductions.reduce(flaws, [gradient], [], size));
        }
      }
      yield* this.#clipGlobally(works, situation, found);
      for (const work of works) {
        this.#begin(work, situation);
        if (work.size > 0 && work.update !== null) yield* this.#sumUp(work, work.update, found);
      }
      return !finiteCheck || (yield* readTotal(device, this.#reductions, found)) === 0;
    } finally {
      for (const flaw of found) device.free(flaw);
    }
  }

  forget(): void {
    for (const figure of Object.values(this.#figures ?? {}).flat()) this.#context.device.free(figure);
    this.#figures = null;
  }

  startMeasuring(): void {
    this.forget();
    this.#figures = { 'gradient-norm': [], 'update-norm': [] };
  }

  *measure(work: VariableWork<T>): Work<void> {
    const { update } = work;
    if (update === null) return;
    for (const [i, call] of update.plan.squares.entries()) {
      this.#figures![update.plan.kernel.observed[i]!].push(yield* work.reduce(call, update));
    }
  }

  *measured(): Work<Measured> {
    const { measure } = this.#program;
    const made: Measured = {};
    if (this.#figures === null) return made;
    if (measure.has('gradient-norm')) made.gradientNorm = yield* this.#normOf(this.#figures['gradient-norm']);
    if (measure.has('update-norm')) made.updateNorm = yield* this.#normOf(this.#figures['update-norm']);
    return made;
  }

  *#normOf(squares: readonly T[]): Work<number> {
    return Math.sqrt(yield* readTotal(this.#context.device, this.#reductions, squares));
  }

  /** Takes the sums of a kernel and, where that is checked, whether its norms are finite. */
  *#sumUp(work: VariableWork<T>, bound: BoundPlan, found: T[]): Work<void> {
    const { sums, flaws: flawsOfNorms } = bound.plan;
    for (const { value, call } of sums) work.keep(value, yield* work.reduce(call, bound));
    if (!this.#program.finiteCheck) return;
    for (const call of flawsOfNorms) found.push(yield* work.run(call, bound, 1));
  }

  /** Makes the factor of the norm over all gradients, where there is one. */
  *#clipGlobally(works: readonly VariableWork<T>[], situation: number, found: T[]): Work<void> {
    const bound = this.#factor;
    if (bound === null) return;
    const { device } = this.#context;
    const sums: T[] = [];
    try {
      for (const work of works) {
        const squares = work.size > 0 ? this.#squares.begin(work.index, situation) : null;
        if (squares !== null) sums.push(yield* work.reduce(squares.plan.sums[0]!.call, squares));
      }
      if (sums.length === 0) return;
      const total = yield* this.#reductions.total(sums);
      try {
        yield* this.#setFactor(bound, total, found);
      } finally {
        device.free(total);
      }
    } finally {
      for (const one of sums) device.free(one);
    }
  }

  *#setFactor({ plan, numbers }: BoundPlan, total: T, found: T[]): Work<void> {
    const { device } = this.#context;
    plan.numbers.begin(numbers, this.#definition.scalars.of[0]!);
    const [call] = plan.results;
    this.#context.clipFactor = yield* settled(device.run(call!.formula, 1, [total], numbersOf(call!, numbers)));
    if (!this.#program.finiteCheck) return;
    for (const flaw of plan.flaws)
      found.push(yield* settled(device.run(flaw.formula, 1, [total], numbersOf(flaw, numbers))));
  }
}
