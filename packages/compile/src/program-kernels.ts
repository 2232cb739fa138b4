import { ArrayKernel } from './array-kernel.ts';
import { type Kinds, kindsOf } from './kinds.ts';
import type { FloatArray, Program } from '@sgd/core';
import type { Kernel, NumberProgram, StepDefinition } from '@sgd/core/engine';

/** The tensors of a variable by name: `variable`, and what the optimizer keeps for it. */
export type Tensors = Readonly<Record<string, FloatArray>>;

/** A kernel with arrays of one variable. */
export interface BoundKernel {
  readonly kernel: ArrayKernel;
  /** Shared by all variables of a group, unless the kernel sums. */
  readonly numbers: Float64Array;
  /** In the order of the kernel; what changes from step to step is put in its place before each. */
  readonly arrays: FloatArray[];
  /** -1: it does not read the gradient. */
  readonly gradientAt: number;
}

/** Numbers to be computed anew at each step. */
interface Begin {
  readonly program: NumberProgram;
  readonly numbers: Float64Array;
  readonly scalars: Float64Array;
}

/** One kernel for each kind of variable and situation, compiled when a step first needs it, and a row of arrays for every variable. */
export class KernelTable {
  /** By variable and situation; `undefined` where there is nothing to do, or that was not prepared. */
  readonly rows: readonly (BoundKernel | undefined)[][];
  /** By situation: whether anything is to be reduced. `undefined` for those that were not prepared. */
  readonly reduces: (boolean | undefined)[];
  readonly #settings: KernelSettings;
  readonly #kinds: Kinds;
  readonly #record: (index: number, situation: number) => Kernel | null;
  /** By situation. */
  readonly #begins: Begin[][] = [];

  constructor(settings: KernelSettings, kinds: Kinds, record: (index: number, situation: number) => Kernel | null) {
    const situations = 1 + Math.max(...settings.definition.situations.all);
    this.#settings = settings;
    this.#kinds = kinds;
    this.#record = record;
    this.rows = kinds.kindOf.map(() => Array.from<BoundKernel | undefined>({ length: situations }));
    this.reduces = Array.from<boolean | undefined>({ length: situations });
  }

  /** Compiles the kernels of a situation, unless that was done. */
  prepare(situation: number): void {
    if (this.reduces[situation] === undefined) this.#compile(situation);
  }

  #compile(situation: number): void {
    const { program, definition, tensors, jitless } = this.#settings;
    const { kindOf, examples } = this.#kinds;
    const { scalars } = definition;
    const begins: Begin[] = [];
    const kernels = examples.map((index) => {
      const recorded = this.#record(index, situation);
      if (recorded === null || recorded.tensors.length === 0) return null;
      return new ArrayKernel(recorded, program.variables[index]!.dtype, { jitless, scalars: scalars.names });
    });
    const shared: Float64Array[][] = kernels.map(() => []);
    for (let i = 0; i < kindOf.length; i++) {
      const kernel = kernels[kindOf[i]!]!;
      if (kernel === null) continue;
      const ofKind = shared[kindOf[i]!]!;
      const { group } = program.variables[i]!;
      let numbers = kernel.reduces ? undefined : ofKind[group];
      if (numbers === undefined) {
        ofKind[group] = numbers = kernel.program.allocate();
        begins.push({ program: kernel.program, numbers, scalars: scalars.of[i]! });
      }
      // the gradient is bound at each step: any array of the type will do until then
      const arrays = kernel.tensors.map((name) => tensors[i]![name] ?? tensors[i]!.variable!);
      this.rows[i]![situation] = { kernel, numbers, arrays, gradientAt: kernel.tensors.indexOf('gradient') };
    }
    this.#begins[situation] = begins;
    this.reduces[situation] = kernels.some((kernel) => kernel?.reduces === true);
  }

  /** Computes the numbers of all kernels of a situation that was prepared from those of the step. */
  begin(situation: number): void {
    const begins = this.#begins[situation]!;
    for (let i = 0; i < begins.length; i++) {
      const { program, numbers, scalars } = begins[i]!;
      program.begin(numbers, scalars);
    }
  }
}

/** What kernels are made of. */
export interface KernelSettings {
  readonly program: Program;
  readonly definition: StepDefinition;
  /** By variable: what the kernels are given at first. */
  readonly tensors: readonly Tensors[];
  /** Whether `new Function` is never used. */
  readonly jitless: boolean;
}

/** The kernels of a program over typed arrays. */
export class ProgramKernels {
  /** A step's work on a variable. */
  readonly updates: KernelTable;
  /** The sum of squares of its gradient, for the norm over all. */
  readonly squares: KernelTable;
  readonly #hasGlobalNorm: boolean;

  constructor(settings: KernelSettings) {
    const { program, definition } = settings;
    const kinds = kindsOf(program, definition);
    this.#hasGlobalNorm = definition.hasGlobalNorm;
    this.updates = new KernelTable(settings, kinds, (i, situation) => definition.update(i, situation));
    this.squares = new KernelTable(settings, kinds, (i, situation) => definition.squaredNorm(i, situation));
  }

  /** Compiles the kernels of the variables that have a gradient, unless that was done. */
  prepare(situation: number): void {
    this.updates.prepare(situation);
    if (this.#hasGlobalNorm) this.squares.prepare(situation);
  }

  /** Binds the kernels of a variable to the gradient of this step. */
  lend(index: number, situation: number, gradient: FloatArray): void {
    lend(this.updates.rows[index]![situation], gradient);
    if (this.#hasGlobalNorm) lend(this.squares.rows[index]![situation], gradient);
  }

  /** Binds the kernels of a variable to its current arrays. */
  bind(index: number, situation: number, tensors: Tensors): void {
    bind(this.updates.rows[index]![situation], tensors);
    if (this.#hasGlobalNorm) bind(this.squares.rows[index]![situation], tensors);
  }
}

function lend(bound: BoundKernel | undefined, gradient: FloatArray): void {
  if (bound !== undefined && bound.gradientAt >= 0) bound.arrays[bound.gradientAt] = gradient;
}

function bind(bound: BoundKernel | undefined, tensors: Tensors): void {
  if (bound === undefined) return;
  const { arrays, kernel } = bound;
  for (let place = 0; place < arrays.length; place++) arrays[place] = tensors[kernel.tensors[place]!]!;
}
