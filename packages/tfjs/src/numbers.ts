/** The largest finite number of float32. */
export const LARGEST: number = 3.4028234663852886e38;

/** Whether all elements are finite. */
export function allFinite(values: Float32Array): boolean {
  // x - x is 0 or NaN
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  return sum === 0;
}

/** The sum of squares in float64. */
export function squares64(values: Float32Array, less?: Float32Array): number {
  let sum = 0;
  if (less) for (let i = 0; i < values.length; i++) sum += (values[i]! - less[i]!) ** 2;
  else for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}
