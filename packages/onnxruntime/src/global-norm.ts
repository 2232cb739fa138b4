import type { DType, Program } from '@sgd/core';
import { type Kernel, NumberProgram, roundingOf, type StepDefinition, type TracedValue } from '@sgd/core/engine';
import { isMixed } from './host-kinds.ts';

interface TypedNorm {
  readonly program: NumberProgram;
  readonly numbers: Float64Array;
}

/** The norm over all gradients of a step, from their sums of squares in float64. It is formed in float64 once a gradient is, else in float32. */
export class GlobalNorm {
  /** Whether gradients may be of both types: their sums are rounded one by one then. */
  readonly isMixed: boolean;
  readonly #program: Program;
  readonly #definition: StepDefinition;
  readonly #kernel: Kernel;
  readonly #sum: TracedValue;
  readonly #norms: Readonly<Record<DType, TypedNorm>>;
  #dtype: DType = 'float32';
  #total = 0;
  #count = 0;

  constructor(program: Program, definition: StepDefinition) {
    this.isMixed = isMixed(program);
    this.#program = program;
    this.#definition = definition;
    this.#kernel = definition.clipFactor();
    this.#sum = this.#kernel.passes[0]!.sums[0]!;
    const make = (dtype: DType): TypedNorm => {
      const numbers = new NumberProgram(this.#kernel, dtype, definition.scalars.names);
      return { program: numbers, numbers: numbers.allocate() };
    };
    this.#norms = { float32: make('float32'), float64: make('float64') };
  }

  /** Forgets the last step. */
  clear(): void {
    this.#dtype = 'float32';
    this.#total = 0;
    this.#count = 0;
  }

  /** Adds the sum of squares of a gradient, or of several of one type. */
  add(squares: number, variable: number): void {
    const { dtype } = this.#program.variables[variable]!;
    this.#total += this.isMixed ? roundingOf(dtype)(squares) : squares;
    this.#count++;
    if (dtype === 'float64') this.#dtype = dtype;
  }

  /** Sets the factor of a step; returns whether there was any gradient. */
  take(): boolean {
    if (this.#count === 0) return false;
    const { program, numbers } = this.#norms[this.#dtype];
    const { scalars } = this.#definition;
    program.begin(numbers, scalars.of[0]!);
    numbers[program.placeOf(this.#sum)] = roundingOf(this.#dtype)(this.#total);
    program.proceed(numbers, this.#sum.level);
    scalars.setClipFactor(numbers[program.placeOf(this.#kernel.results[0]!)]!);
    return true;
  }

  /** Whether the norm that was last taken is finite. */
  get isFinite(): boolean {
    const { program, numbers } = this.#norms[this.#dtype];
    return this.#kernel.norms.every((norm) => Number.isFinite(numbers[program.placeOf(norm)]));
  }
}
