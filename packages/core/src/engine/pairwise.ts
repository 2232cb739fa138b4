/** How many elements are summed without halving: by eight sums that take turns, then added up in pairs. */
export const PAIRWISE_LEAF = 128;

/** Where numpy cuts a range of elements in two to sum the halves: at a multiple of 8. */
export function pairwiseHalf(count: number): number {
  const half = Math.floor(count / 2);
  return half - (half % 8);
}

/** The eight sums of a leaf. Kept, since a sum is taken in every step under a global norm. */
const lanes = new Float64Array(8);

/** The sum of at most {@link PAIRWISE_LEAF} numbers. */
function sumLeaf(values: ArrayLike<number>, round: (value: number) => number, count: number, from: number): number {
  const whole = count - (count % 8);
  lanes.fill(0);
  for (let i = 0; i < whole; i++) lanes[i % 8] = round((lanes[i % 8] as number) + (values[from + i] as number));
  for (let distance = 1; distance < 8; distance *= 2) {
    for (let i = 0; i < 8; i += 2 * distance) {
      lanes[i] = round((lanes[i] as number) + (lanes[i + distance] as number));
    }
  }
  let total = lanes[0] as number;
  for (let i = whole; i < count; i++) total = round(total + (values[from + i] as number));
  return total;
}

/**
 * The sum of numbers in numpy's pairwise order, every addition rounded.
 *
 * @param values - numbers of the type that `round` rounds to
 * @param round - `Math.fround` or the identity
 * @param count - how many of the values, from the first
 */
export function pairwiseSum(
  values: ArrayLike<number>,
  round: (value: number) => number,
  count: number = values.length,
  from = 0,
): number {
  if (count <= PAIRWISE_LEAF) return sumLeaf(values, round, count, from);
  const half = pairwiseHalf(count);
  return round(pairwiseSum(values, round, half, from) + pairwiseSum(values, round, count - half, from + half));
}
