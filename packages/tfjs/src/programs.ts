import type { Tensor, TensorFlow } from './tf.ts';

/** Inputs of an expression by their names, capital letters; a scalar stands for all elements. */
export type Inputs = Readonly<Record<string, Tensor>>;

/**
 * Computes an expression for each element in one pass on the device: `+ - * /`, parentheses, inputs and numbers by their names. The
 * first input has the shape of the result.
 */
export type Compute = (
  tf: TensorFlow,
  expression: string,
  inputs: Inputs,
  numbers: Readonly<Record<string, number>>,
) => Tensor;

/** What a gradient is multiplied by to be clipped: nothing, the factor F, or first the limit and then F. */
export type Clipped = 'as it is' | 'by factor' | 'by limit and factor';

const GRADIENTS: Readonly<Record<Clipped, string>> = {
  'as it is': 'G',
  'by factor': '(G * F)',
  'by limit and factor': '((G * limit) * F)',
};

/** Parts of the rule as expressions: X value, M momentum, V accumulator, A average, G gradient. */
export const EXPRESSIONS = {
  mean: (unscales: boolean): string => `(${unscales ? '(G / scale)' : 'G'} + V) / count`,
  sum: (unscales: boolean): string => `${unscales ? '(G / scale)' : 'G'} + V`,
  momentum: (clipped: Clipped): string => `M * b - ${GRADIENTS[clipped]} * lr`,
  value: (decays: boolean, clipped: Clipped, momentum: boolean, nesterov: boolean): string => {
    const own = `${GRADIENTS[clipped]} * lr`;
    const change = !momentum ? `- ${own}` : nesterov ? `+ (M * b - ${own})` : '+ M';
    return `${decays ? '(X - (X * wd) * lr)' : 'X'} ${change}`;
  },
  average: 'keep * A + rest * X',
} as const;
