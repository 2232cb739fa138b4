import type { DType, FloatArray, Program, Step } from '@sgd/core';
import { float32 } from './float32/index.ts';
import { float64 } from './float64.ts';
import {
  COUNT,
  DECAY,
  FACTOR,
  KEEP,
  type Kernels,
  LIMIT,
  MIX,
  MOMENTUM,
  NORM,
  type Plan,
  RATE,
  SCALE,
} from './plan.ts';

/** A typed array of a type; storing rounds to it. */
export const arrayIn = (dtype: DType, length: number): FloatArray =>
  dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);

/** The numbers of a step in one type. */
interface Typed {
  readonly kernels: Kernels;
  readonly k: FloatArray;
  /** By group. */
  readonly rates: readonly FloatArray[];
  /** The sums of squares of a step, to be added up. */
  readonly squares: FloatArray;
}

/** The numbers of a step, rounded to each type that the variables have. */
export class Numbers {
  /** Figures in float64, see `Plan.w`. */
  readonly w: Float64Array = new Float64Array(4);
  readonly #typed: Map<DType, Typed> = new Map();
  readonly #list: readonly Typed[];
  /** By gradient of the step: its sum of squares or, under `"norm"`, what it is divided by. */
  readonly #norms: Float64Array;

  constructor({ variables }: Program) {
    const groups = Math.max(...variables.map((v) => v.group)) + 1;
    for (const { dtype } of variables) {
      if (this.#typed.has(dtype)) continue;
      this.#typed.set(dtype, {
        kernels: dtype === 'float64' ? float64 : float32,
        k: arrayIn(dtype, 6),
        rates: Array.from({ length: groups }, () => arrayIn(dtype, 3)),
        squares: arrayIn(dtype, variables.length),
      });
    }
    this.#list = [...this.#typed.values()];
    this.#norms = new Float64Array(variables.length);
  }

  of(dtype: DType): Typed {
    return this.#typed.get(dtype)!;
  }

  set(step: Step): void {
    for (let t = 0; t < this.#list.length; t++) {
      const { k, rates } = this.#list[t]!;
      k[SCALE] = step.lossScale;
      k[COUNT] = step.accumulationSteps;
      k[LIMIT] = step.clipLimit;
      k[KEEP] = step.averageMomentum;
      k[MIX] = 1 - k[KEEP]!;
      for (let i = 0; i < rates.length; i++) {
        const r = rates[i]!;
        const from = step.rates[i]!;
        r[RATE] = from.learningRate;
        r[MOMENTUM] = from.momentum;
        r[DECAY] = from.weightDecay;
      }
    }
  }

  /** Keeps the norm of gradient `j` from its sum of squares, in `sums[0]`: what `clipNorm` divides by. */
  keepNorm({ kernels: { sums }, k }: Plan, j: number): void {
    if (sums[0]! > 0) sums[0] = Math.sqrt(sums[0]!);
    this.#norms[j] = Math.max(sums[0]!, k[LIMIT]!);
  }

  setNorm({ k }: Plan, j: number): void {
    k[NORM] = this.#norms[j]!;
  }

  keepSquares({ kernels: { sums } }: Plan, j: number): void {
    this.#norms[j] = sums[0]!;
  }

  /** The factor of a global norm over `count` sums of squares, in the widest type among them, as Keras forms it. */
  setFactor(count: number, dtype: DType, limit: number): void {
    const { kernels, squares } = this.of(dtype);
    const { sums } = kernels;
    for (let j = 0; j < count; j++) squares[j] = this.#norms[j]!;
    kernels.pairwise(squares, 0, count, 0);
    sums[0] = Math.sqrt(sums[0]!);
    sums[1] = 1 / sums[0];
    sums[2] = 1 / limit;
    sums[3] = limit;
    sums[1] = sums[3] * Math.min(sums[1], sums[2]);
    sums[0] = sums[0] - sums[0];
    sums[1] += sums[0];
    this.w[FACTOR] = sums[1];
  }
}
