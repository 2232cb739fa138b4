/** How many elements are summed without halving: by eight sums that take turns, then added up in pairs. */
export const PAIRWISE_LEAF = 128;

/** Where numpy cuts a range of elements in two to sum the halves: at a multiple of 8. */
export function pairwiseHalf(count: number): number {
  const half = Math.floor(count / 2);
  return half - (half % 8);
}

/** The eight sums of a leaf: storing one rounds it. Kept, since a sum is taken in every step under a global norm. */
const lanes32 = new Float32Array(8);
const lanes64 = new Float64Array(8);

/** The sum of at most {@link PAIRWISE_LEAF} numbers. */
function sumLeaf(values: ArrayLike<number>, round: (value: number) => number, count: number, from: number): number {
  const whole = count - (count % 8);
  const lanes = round === Math.fround ? lanes32 : lanes64;
  lanes.fill(0);
  for (let i = 0; i < whole; i += 8) {
    for (let lane = 0; lane < 8; lane++) lanes[lane]! += values[from + i + lane]!;
  }
  for (let distance = 1; distance < 8; distance *= 2) {
    for (let i = 0; i < 8; i += 2 * distance) lanes[i]! += lanes[i + distance]!;
  }
  let total = lanes[0]!;
  for (let i = whole; i < count; i++) total = round(total + values[from + i]!);
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
