/** The number of elements of a shape: 1 for `[]`. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}
