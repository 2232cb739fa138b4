import { randomStream, shuffle } from './random.ts';

/** Pixels of an image, 28 x 28. */
export const PIXELS = 784;
/** What an image may show: 0 to 9. */
export const CLASSES = 10;
/** Images in the package `mnist`. */
export const DIGITS = 10_000;
/** Images to train on, at most. */
const TRAINING_DIGITS = 8_000;

/** Images to test with, always. */
export const TEST_DIGITS: number = DIGITS - TRAINING_DIGITS;

/** All images: `images` holds 784 grey values from 0 to 1 each, `labels` what they show. */
export interface Digits {
  readonly images: Float32Array;
  readonly labels: Uint8Array;
}

/** Indices into {@link Digits}. No image is in both. */
export interface Split {
  readonly training: Int32Array;
  readonly test: Int32Array;
}

/** Images in a row, as the model takes them: `images` is `labels.length` x 784. */
export interface Batch {
  readonly images: Float32Array;
  readonly labels: Uint8Array;
}

/** Shuffles all digits by the seed; the last 2,000 are for testing, and `limit` of the others for training. */
export function splitDigits(seed: number, limit: number = TRAINING_DIGITS): Split {
  const order = shuffle(
    Int32Array.from({ length: DIGITS }, (_, i) => i),
    randomStream(seed, 'split'),
  );
  return { training: order.slice(0, Math.min(limit, TRAINING_DIGITS)), test: order.slice(TRAINING_DIGITS) };
}

/** Copies the digits at `indices` into one batch. */
export function gather(digits: Digits, indices: Int32Array): Batch {
  const images = new Float32Array(indices.length * PIXELS);
  const labels = new Uint8Array(indices.length);
  for (const [row, index] of indices.entries()) {
    images.set(digits.images.subarray(index * PIXELS, (index + 1) * PIXELS), row * PIXELS);
    labels[row] = digits.labels[index] as number;
  }
  return { images, labels };
}

/** The training digits of each epoch, in another order each time, which the seed fixes. */
export function* epochs(training: Int32Array, seed: number, count: number): Generator<Int32Array> {
  const random = randomStream(seed, 'epochs');
  const order = training.slice();
  for (let epoch = 0; epoch < count; epoch++) yield shuffle(order, random);
}
