import type { Constraint } from './contract.ts';

/**
 * `x = max(x, 0)` for each element; NaN stays NaN.
 *
 * Source: `keras.constraints.NonNeg`.
 */
export const nonNegative: Constraint = (data) => {
  for (let i = 0; i < data.length; i++) if ((data[i] as number) < 0) data[i] = 0;
};
