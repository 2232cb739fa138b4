const { fround, sqrt } = Math;

/** The largest finite number of float32. */
export const LARGEST: number = 3.4028234663852886e38;

/** Whether all elements are finite. */
export function allFinite(values: Float32Array): boolean {
  // x - x is 0 or NaN
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  return sum === 0;
}

const sums = new Float32Array(8);

/**
 * The sum of `n` numbers in float32, in the order of numpy: a range is halved down to 128, which eight sums share. `square`: of
 * their squares. `fill`, if given, puts those of a range into `values` from its start, and gives where they start there.
 */
export function pairwiseSum(
  values: Float32Array,
  square: boolean,
  from: number,
  n: number,
  fill?: (from: number, to: number) => number,
): number {
  if (n > 128) {
    const half = (n >> 1) & ~7;
    const first = pairwiseSum(values, square, from, half, fill);
    return fround(first + pairwiseSum(values, square, from + half, n - half, fill));
  }
  let i = fill ? fill(from, from + n) : from;
  const end = i + n;
  const at = square ? (j: number): number => fround(values[j]! * values[j]!) : (j: number): number => values[j]!;
  let sum = 0;
  if (n > 7) {
    sums.fill(0);
    for (; i + 7 < end; i += 8) for (let k = 0; k < 8; k++) sums[k]! += at(i + k);
    const [a, b, c, d, e, f, g, h] = sums as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    sum = fround(fround(fround(a + b) + fround(c + d)) + fround(fround(e + f) + fround(g + h)));
  }
  for (; i < end; i++) sum = fround(sum + at(i));
  return sum;
}

/** `min(1 / n, R(1 / limit)) * R(limit) + (n - n)` for the norm `n` of squares: what gradients are multiplied by under a global norm. */
export function globalFactor(sum: number, limit: number): number {
  const n = fround(sqrt(sum));
  const q = Math.min(fround(1 / n), fround(1 / limit));
  return fround(fround(fround(limit) * q) + fround(n - n));
}

/** The sum of squares in float64. */
export function squares64(values: Float32Array, less?: Float32Array): number {
  let sum = 0;
  if (less) for (let i = 0; i < values.length; i++) sum += (values[i]! - less[i]!) ** 2;
  else for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}
