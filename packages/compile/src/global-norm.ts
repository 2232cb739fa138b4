import { ArrayKernel } from './array-kernel.ts';
import type { DType, FloatArray } from '@sgd/core';
import type { StepDefinition, StepScalars } from '@sgd/core/engine';

/** The norm over all gradients of a step, in one type. */
interface TypedNorm {
  readonly kernel: ArrayKernel;
  readonly numbers: Float64Array;
  readonly squares: FloatArray;
}

/** The norm over all gradients of a step. It is formed in float64 once one of them is, else in float32. */
export class GlobalNorm {
  readonly #scalars: StepScalars;
  readonly #norms: Readonly<Record<DType, TypedNorm>>;
  /** Kernels read it under the name `squares`. */
  #views: FloatArray[] = [];
  #dtype: DType = 'float32';
  #count = 0;

  constructor(definition: StepDefinition, variables: number, jitless: boolean) {
    const { scalars } = definition;
    const make = (dtype: DType): TypedNorm => {
      const kernel = new ArrayKernel(definition.clipFactor(), dtype, { jitless, scalars: scalars.names });
      const squares = dtype === 'float32' ? new Float32Array(variables) : new Float64Array(variables);
      return { kernel, numbers: kernel.program.allocate(), squares };
    };
    this.#scalars = scalars;
    this.#norms = { float32: make('float32'), float64: make('float64') };
  }

  /** Forgets the last step. */
  clear(): void {
    this.#count = 0;
    this.#dtype = 'float32';
  }

  /** Takes the sum of squares of the next gradient. */
  add(squares: number, dtype: DType): void {
    const { float32, float64 } = this.#norms;
    float32.squares[this.#count] = squares;
    float64.squares[this.#count] = squares;
    this.#count++;
    if (dtype === 'float64') this.#dtype = dtype;
  }

  /** Sets the factor of a step; returns whether there was any gradient. */
  take(): boolean {
    if (this.#count === 0) return false;
    const { kernel, numbers, squares } = this.#norms[this.#dtype];
    kernel.program.begin(numbers, this.#scalars.of[0]!);
    this.#views[0] = squares;
    kernel.reduce(this.#views, this.#count, numbers);
    this.#scalars.setClipFactor(kernel.result(numbers, 0));
    return true;
  }

  /** Whether the norm that was last taken is finite. */
  get isFinite(): boolean {
    const { kernel, numbers } = this.#norms[this.#dtype];
    return kernel.isFinite(numbers);
  }
}
