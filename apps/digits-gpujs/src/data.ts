/** Pixels of an image, 28 x 28. */
export const PIXELS = 784;
export const CLASSES = 10;

/** Images as rows of pixels from 0 to 1, and what they show. */
export interface Digits {
  readonly images: Float32Array;
  readonly labels: Float32Array;
  readonly count: number;
}

/**
 * Puts digits in an order in which each is followed by the next: 0, 1, …, 9, 0, 1, …
 *
 * @param pixels - for each digit, the pixels of all its images, as the package `mnist` has them
 * @param each - images to take of each
 * @param from - the first to take
 */
export function mixDigits(pixels: readonly ArrayLike<number>[], each: number, from = 0): Digits {
  const count = each * CLASSES;
  const images = new Float32Array(count * PIXELS);
  const labels = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const digit = i % CLASSES;
    const start = (from + Math.floor(i / CLASSES)) * PIXELS;
    for (let k = 0; k < PIXELS; k++) images[i * PIXELS + k] = pixels[digit]![start + k]!;
    labels[i] = digit;
  }
  return { images, labels, count };
}
