import type { DType, FloatArray, Step } from '@sgd/core';
import { newArray } from './blocks.ts';
import type { Ort, OrtTensor } from './ort.ts';
import type { SGDProgram } from './sgd-program.ts';

/** Numbers of a step, each in a tensor of one element that is filled anew each time. */
export interface Numbers {
  readonly tensors: Readonly<Record<string, OrtTensor>>;
  set(values: Readonly<Record<string, number>>): void;
}

const NAMES = 'scale count c nc rc f d lr b wd keep mix'.split(' ');

/** Whether a global norm is over gradients of both types: its factor is in float64 then, for float32 gradients, too. */
export const isMixed = ({ clip, variables: [first, ...others] }: SGDProgram): boolean =>
  clip === 'global-norm' && others.some(({ dtype }) => dtype !== first!.dtype);

/** Tensors for the numbers of a step, in a variable's type; the factor `f` in that of the norm. */
export function newNumbers({ Tensor }: Ort, dtype: DType, program: SGDProgram): Numbers {
  const typeOf = (name: string): DType => (name === 'f' && isMixed(program) ? 'float64' : dtype);
  const tensors = Object.fromEntries(
    NAMES.map((name) => [name, new Tensor(typeOf(name), newArray(typeOf(name), 1), [1])]),
  );
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
  const { learningRate, weightDecay, options } = step.rates[group]!;
  const [momentum = 0] = options;
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

/**
 * The sums of squares that a clip goes by, rounded as an engine does that has none but the variable's type: by variable or, under a global
 * norm, all together, in the `widest` type of the gradients. If they are not finite, the norms are not.
 *
 * @param sums - in float64, by variable; under a global norm over one type their total counts only
 */
export function roundedSums(program: SGDProgram, sums: readonly number[], widest: DType): number[] {
  const { clip, variables } = program;
  if (!clip.endsWith('norm')) return [];
  const rounded = sums.map((sum, i) => rounding(variables[i]!.dtype)(sum));
  if (clip === 'norm') return rounded;
  return [rounding(widest)((isMixed(program) ? rounded : sums).reduce((all, each) => all + each, 0))];
}

/** What a gradient is divided by under the clip `"norm"`, after it was multiplied by the limit. */
export function divisor(sum: number, limit: number, dtype: DType): number {
  const R = rounding(dtype);
  const squares = R(sum);
  return Math.max(squares > 0 ? R(Math.sqrt(squares)) : squares, R(limit));
}

/** What gradients are multiplied by under the clip `"global-norm"`; `sum` is in the type. */
export function factor(sum: number, limit: number, dtype: DType): number {
  const R = rounding(dtype);
  const norm = R(Math.sqrt(sum));
  return R(R(R(limit) * Math.min(R(1 / norm), R(1 / limit))) + (norm - norm));
}
