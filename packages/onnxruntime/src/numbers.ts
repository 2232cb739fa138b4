import type { DType, FloatArray, Step } from '@sgd/core';
import { newArray } from './blocks.ts';
import type { Ort, OrtTensor } from './ort.ts';

/** Numbers of a step, each in a tensor of one element that is filled anew each time. */
export interface Numbers {
  readonly tensors: Readonly<Record<string, OrtTensor>>;
  set(values: Readonly<Record<string, number>>): void;
}

const NAMES = 'scale count c nc rc f d lr b wd keep mix'.split(' ');

/** Tensors for the numbers of a step, in a variable's type. */
export function newNumbers({ Tensor }: Ort, dtype: DType): Numbers {
  const tensors = Object.fromEntries(NAMES.map((name) => [name, new Tensor(dtype, newArray(dtype, 1), [1])]));
  return {
    tensors,
    set(values) {
      for (const name in values) (tensors[name]!.data as FloatArray)[0] = values[name]!;
    },
  };
}

/** Rounding to a type. */
const rounding = (dtype: DType): ((value: number) => number) => (dtype === 'float64' ? (value) => value : Math.fround);

/** The numbers of a step, for variables of a type in a group. */
export function numbersOf(step: Step, group: number, dtype: DType): Record<string, number> {
  const { learningRate, momentum, weightDecay } = step.rates[group]!;
  const { lossScale, accumulationSteps, clipLimit, averageMomentum } = step;
  return {
    scale: lossScale,
    count: accumulationSteps,
    c: clipLimit,
    nc: -clipLimit,
    rc: 1 / clipLimit,
    lr: learningRate,
    b: momentum,
    wd: weightDecay,
    keep: averageMomentum,
    mix: 1 - rounding(dtype)(averageMomentum),
  };
}

/** What a gradient is divided by under the clip `"norm"`, after it was multiplied by the limit. */
export function divisor(sum: number, limit: number, dtype: DType): number {
  const R = rounding(dtype);
  const squares = R(sum);
  return Math.max(squares > 0 ? R(Math.sqrt(squares)) : squares, R(limit));
}

/** What gradients are multiplied by under the clip `"global-norm"`. */
export function factor(sum: number, limit: number, dtype: DType): number {
  const R = rounding(dtype);
  const norm = R(Math.sqrt(R(sum)));
  return R(R(R(limit) * Math.min(R(1 / norm), R(1 / limit))) + (norm - norm));
}
