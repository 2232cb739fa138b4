import { ArrayKernel } from './array-kernel.ts';
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

/** One kernel for each kind of variable and situation, compiled when it is made, and a row of arrays for every variable. */
export class KernelTable {
  /** By variable and situation; `undefined` where there is nothing to do. */
  readonly rows: readonly (readonly (BoundKernel | undefined)[])[];
  /** By situation: whether anything is to be reduced. */
  readonly reduces: readonly boolean[];
  /** By situation. */
  readonly #begins: Begin[][] = [];

  constructor(
    { program, definition, tensors, jitless }: KernelSettings,
    record: (index: number, situation: number) => Kernel | null,
  ) {
    const { scalars, situations } = definition;
    const reduces: boolean[] = [];
    for (const situation of situations.all) {
      reduces[situation] = false;
      this.#begins[situation] = [];
    }
    const kernels = new Map<string, ArrayKernel | null>();
    const sharedNumbers = new Map<string, Float64Array>();
    this.rows = program.variables.map(({ dtype, group }, i) => {
      const row: (BoundKernel | undefined)[] = [];
      for (const situation of situations.all) {
        const key = definition.kernelKey(i, situation);
        let kernel = kernels.get(key);
        if (kernel === undefined) {
          const recorded = record(i, situation);
          kernel = recorded && new ArrayKernel(recorded, dtype, { jitless, scalars: scalars.names });
          kernels.set(key, kernel);
        }
        if (kernel === null || kernel.tensors.length === 0) continue;
        if (kernel.reduces) reduces[situation] = true;
        const shared = `${key} ${group}`;
        let numbers = kernel.reduces ? undefined : sharedNumbers.get(shared);
        if (numbers === undefined) {
          numbers = kernel.program.allocate();
          sharedNumbers.set(shared, numbers);
          this.#begins[situation]!.push({ program: kernel.program, numbers, scalars: scalars.of[i]! });
        }
        // the gradient is bound at each step: any array of the type will do until then
        const arrays = kernel.tensors.map((name) => tensors[i]![name] ?? tensors[i]!.variable!);
        row[situation] = { kernel, numbers, arrays, gradientAt: kernel.tensors.indexOf('gradient') };
      }
      return row;
    });
    this.reduces = reduces;
  }

  /** Computes the numbers of all kernels of a situation from those of the step. */
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
    const { definition } = settings;
    this.#hasGlobalNorm = definition.hasGlobalNorm;
    this.updates = new KernelTable(settings, (i, situation) => definition.update(i, situation));
    this.squares = new KernelTable(settings, (i, situation) => definition.squaredNorm(i, situation));
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
