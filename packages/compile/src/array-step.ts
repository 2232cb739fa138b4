import { sizeOf } from '@sgd/core/engine';
import type { FloatArray, Measure, Program, Step } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import { GlobalNorm } from './global-norm.ts';
import { type KernelSettings, type KernelTable, ProgramKernels } from './program-kernels.ts';

/** In the order in which kernels observe them. */
const MEASURES: readonly Measure[] = ['gradient-norm', 'update-norm'];

/**
 * The steps of a program over typed arrays, in place. For each step: `begin`, then hand changed arrays to
 * {@link ArraySteps.kernels}, then `read`, then `write` if `read` returned `true`.
 */
export class ArraySteps {
  readonly kernels: ProgramKernels;
  readonly #rows: KernelTable['rows'];
  readonly #program: Program;
  readonly #definition: StepDefinition;
  readonly #globalNorm: GlobalNorm | null;
  readonly #observed: Float64Array;
  /** By variable: how many elements it has. */
  readonly #sizes: readonly number[];
  /** By variable: the last step that had a gradient for it. */
  readonly #lastGiven: Float64Array;
  #steps = 0;
  #hasUpdated = false;

  constructor(settings: KernelSettings) {
    const { program, definition, jitless } = settings;
    const { measure, variables } = program;
    this.kernels = new ProgramKernels(settings);
    this.#rows = this.kernels.updates.rows;
    this.#program = program;
    this.#definition = definition;
    this.#globalNorm = definition.hasGlobalNorm ? new GlobalNorm(definition, variables.length, jitless) : null;
    this.#observed = new Float64Array(measure.size);
    this.#sizes = variables.map(({ shape }) => sizeOf(shape));
    this.#lastGiven = new Float64Array(variables.length);
  }

  /** Takes the numbers of a step. Returns the situation of the variables that have a gradient. */
  begin(step: Step): number {
    this.#definition.scalars.fill(step);
    const situation = this.#definition.situations.keyOf(step, true);
    this.kernels.prepare(situation);
    return situation;
  }

  /** Runs the passes that only read. Returns `false` when a gradient or norm is not finite and the program checks that. */
  read(situation: number, gradients: readonly FloatArray[], indices: readonly number[]): boolean {
    if (this.#globalNorm !== null && !this.#clipGlobally(this.#globalNorm, situation, indices)) return false;
    const { updates } = this.kernels;
    updates.begin(situation);
    const isRead = updates.reduces[situation]! || this.#program.finiteCheck;
    return !isRead || this.#reduce(situation, gradients, indices);
  }

  /**
   * Runs the passes that write. Nothing can be refused from here on.
   *
   * @param visit - called instead of {@link ArraySteps.run} for every variable that may have something to do
   */
  write(
    step: Step,
    situation: number,
    indices: readonly number[],
    visit?: (index: number, situation: number) => void,
  ): void {
    if (this.#observed.length > 0 && step.phase === 'update' && step.ordinary) {
      this.#observed.fill(0);
      this.#hasUpdated = true;
    }
    if (visit === undefined) for (let j = 0; j < indices.length; j++) this.run(indices[j]!, situation);
    else for (const i of indices) visit(i, situation);
    const count = this.#sizes.length;
    if (indices.length === count) return;
    // variables without a gradient: accumulators are reset, averages move on
    const missing = this.#definition.situations.keyOf(step, false);
    this.kernels.updates.prepare(missing);
    this.kernels.updates.begin(missing);
    this.#steps++;
    for (const i of indices) this.#lastGiven[i] = this.#steps;
    for (let i = 0; i < count; i++) {
      if (this.#lastGiven[i] === this.#steps) continue;
      if (visit === undefined) this.run(i, missing);
      else visit(i, missing);
    }
  }

  /** Runs the kernel that writes a variable and its slots. */
  run(index: number, situation: number): void {
    const bound = this.#rows[index]![situation];
    if (bound !== undefined) bound.kernel.write(bound.arrays, this.#sizes[index]!, bound.numbers, this.#observed);
  }

  /** The sum of squares that the last updating step measured; `undefined` where there was none, or it is not asked for. */
  squares(measure: Measure): number | undefined {
    const measured = MEASURES.filter((one) => this.#program.measure.has(one));
    return this.#hasUpdated ? this.#observed[measured.indexOf(measure)] : undefined;
  }

  /** Takes the norm over all gradients. Returns whether it lets the step be taken. */
  #clipGlobally(norm: GlobalNorm, situation: number, indices: readonly number[]): boolean {
    const { squares } = this.kernels;
    squares.begin(situation);
    norm.clear();
    for (const i of indices) {
      const bound = squares.rows[i]![situation];
      if (bound === undefined) continue;
      const { kernel, arrays, numbers } = bound;
      kernel.reduce(arrays, this.#sizes[i]!, numbers);
      norm.add(kernel.result(numbers, 0), this.#program.variables[i]!.dtype);
    }
    return !norm.take() || !this.#program.finiteCheck || norm.isFinite;
  }

  /** Runs all other passes that only read. Returns `false` when a gradient is not finite and the program checks that. */
  #reduce(situation: number, gradients: readonly FloatArray[], indices: readonly number[]): boolean {
    const { updates, squares } = this.kernels;
    const { finiteCheck } = this.#program;
    let isFinite = true;
    for (let j = 0; isFinite && j < indices.length; j++) {
      const i = indices[j]!;
      const bound = updates.rows[i]![situation];
      if (bound !== undefined) bound.kernel.reduce(bound.arrays, this.#sizes[i]!, bound.numbers);
      if (!finiteCheck || squares.rows[i]![situation] !== undefined) continue;
      // a finite norm has finite elements
      isFinite = bound?.kernel.hasNorms === true ? bound.kernel.isFinite(bound.numbers) : isFiniteArray(gradients[j]!);
    }
    return isFinite;
  }
}

/** Whether every element is finite. */
export function isFiniteArray(values: FloatArray): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!; // 0, or NaN for NaN and infinities
  return sum === 0;
}
