import type { DType, FloatArray } from '@sgd/core';
import { type Kernel, NumberProgram, PAIRWISE_LEAF, pairwiseHalf, type Pass, roundingOf } from '@sgd/core/engine';
import { compileBlocks } from './blocks.ts';
import { compileJavaScript } from './javascript.ts';
import type { PassFunction } from './pass.ts';

/** Ranges are halved at most this often: 2^53 elements. */
const DEEPEST = 53;

/** How {@link ArrayKernel} compiles. */
export interface ArrayKernelOptions {
  /** Whether functions are never made from text, not even to see whether the page allows it. */
  readonly jitless: boolean;
  /** The names of the numbers that a step has, in order. */
  readonly scalars: readonly string[];
}

/** A kernel that runs over typed arrays of one type, in place. */
export class ArrayKernel {
  /** The names of the tensors that it takes, in order. */
  readonly tensors: readonly string[];
  /** The names of those that it writes. */
  readonly written: readonly string[];
  /** The numbers that it computes once a step, or once a tensor. */
  readonly program: NumberProgram;
  readonly #kernel: Kernel;
  readonly #reading: readonly { readonly pass: Pass; readonly run: PassFunction }[];
  readonly #writing: PassFunction | undefined;
  readonly #totals: FloatArray;
  readonly #round: (value: number) => number;

  /**
   * @param kernel - traced
   * @param dtype - of all tensors
   * @param options - see {@link ArrayKernelOptions}
   */
  constructor(kernel: Kernel, dtype: DType, { jitless, scalars }: ArrayKernelOptions) {
    const program = new NumberProgram(kernel, dtype, scalars);
    this.tensors = kernel.tensors;
    this.written = kernel.passes.flatMap(({ stores }) => stores.map(({ tensor }) => kernel.tensors[tensor]!));
    this.program = program;
    this.#kernel = kernel;
    this.#round = roundingOf(dtype);
    const passes = kernel.passes.map((pass) => ({ pass, run: compile(kernel, pass, program, dtype, jitless) }));
    this.#reading = passes.filter(({ pass }) => pass.sums.length > 0);
    this.#writing = passes.find(({ pass }) => pass.sums.length === 0)?.run;
    const widest = Math.max(0, ...kernel.passes.map((pass) => pass.sums.length));
    const places = widest * (DEEPEST + 1);
    this.#totals = dtype === 'float32' ? new Float32Array(places) : new Float64Array(places);
  }

  /** Whether it sums before it writes, so that each tensor needs numbers of its own. */
  get reduces(): boolean {
    return this.#reading.length > 0;
  }

  /** Whether it has a norm that tells whether a gradient is finite. */
  get hasNorms(): boolean {
    return this.#kernel.norms.length > 0;
  }

  /**
   * Runs the passes that only read, and computes what follows from their sums.
   *
   * @param tensors - in the order of {@link ArrayKernel.tensors}, each of `length` elements
   * @param numbers - filled by `program.begin`
   */
  reduce(tensors: readonly FloatArray[], length: number, numbers: Float64Array): void {
    for (const { pass, run } of this.#reading) {
      const { sums } = pass;
      this.#sum(run, tensors, numbers, 0, length, 0, sums.length);
      for (let j = 0; j < sums.length; j++) {
        numbers[this.program.placeOf(sums[j]!)] = this.#totals[j]!;
      }
      this.program.proceed(numbers, sums[0]!.level);
    }
  }

  /** Whether every norm of the last reduction is finite. */
  isFinite(numbers: Float64Array): boolean {
    for (const norm of this.#kernel.norms) {
      if (!Number.isFinite(numbers[this.program.placeOf(norm)])) return false;
    }
    return true;
  }

  /**
   * Runs the pass that writes.
   *
   * @param observed - what the kernel observes is added here
   */
  write(tensors: readonly FloatArray[], length: number, numbers: Float64Array, observed: Float64Array): void {
    this.#writing?.(tensors, numbers, 0, length, observed, 0);
  }

  /** A result of the kernel for the tensor that it last ran over. */
  result(numbers: Float64Array, which: number): number {
    return numbers[this.program.placeOf(this.#kernel.results[which]!)]!;
  }

  /** Leaves the sums of a range in the totals from `at` on, in numpy's pairwise order. */
  #sum(
    run: PassFunction,
    tensors: readonly FloatArray[],
    numbers: Float64Array,
    from: number,
    count: number,
    at: number,
    sums: number,
  ): void {
    const totals = this.#totals;
    if (count <= PAIRWISE_LEAF) return run(tensors, numbers, from, from + count, totals, at);
    const half = pairwiseHalf(count);
    this.#sum(run, tensors, numbers, from, half, at, sums);
    this.#sum(run, tensors, numbers, from + half, count - half, at + sums, sums);
    for (let j = 0; j < sums; j++) totals[at + j] = this.#round(totals[at + j]! + totals[at + sums + j]!);
  }
}

function compile(kernel: Kernel, pass: Pass, program: NumberProgram, dtype: DType, jitless: boolean): PassFunction {
  const made = jitless ? null : compileJavaScript(kernel, pass, program, dtype);
  return made ?? compileBlocks(kernel, pass, program, dtype);
}
