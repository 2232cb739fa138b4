import { DIGITS, PIXELS } from '@sgd/digits';

/** Images by their pixels that are not 0, a fifth of all: image `i` has the entries from `starts[i]` to `starts[i + 1]`. */
export interface SparseImages {
  readonly starts: Int32Array;
  readonly pixels: Uint16Array;
  readonly values: Float32Array;
}

/** The digits of the package `mnist`, in its order, and what they show. */
export interface SparseDigits {
  readonly images: SparseImages;
  readonly labels: Uint8Array;
}

/**
 * Reads what `scripts/pack-digits.mjs` wrote, unzipped. The values are those of the package `mnist`: k / 255 in three decimals.
 *
 * @throws Error when there are more or fewer bytes than expected
 */
export function unpackDigits(packed: Uint8Array): SparseDigits {
  const expected = DIGITS * (1 + PIXELS);
  if (packed.length !== expected) throw new Error(`the digits have ${packed.length} bytes, expected ${expected}`);
  const levels = Float32Array.from({ length: 256 }, (_, level) => Math.round((level / 255) * 1000) / 1000);
  return { labels: packed.slice(0, DIGITS), images: sparse(packed.subarray(DIGITS), levels) };
}

/** Keeps what is not 0. `values` holds images of 784 values each; with `levels` they are indices into that. */
export function sparse(values: Uint8Array | Float32Array, levels?: Float32Array): SparseImages {
  const { length } = values;
  let entries = 0;
  for (let i = 0; i < length; i++) if (values[i] !== 0) entries++;
  const result = {
    starts: new Int32Array(length / PIXELS + 1),
    pixels: new Uint16Array(entries),
    values: new Float32Array(entries),
  };
  for (let i = 0, at = 0, pixel = 0, image = 1; i < length; i++) {
    const value = values[i]!;
    if (value !== 0) {
      result.pixels[at] = pixel;
      result.values[at++] = levels ? levels[value]! : value;
    }
    if (++pixel < PIXELS) continue;
    pixel = 0;
    result.starts[image++] = at;
  }
  return result;
}

/** All 784 values of one image. */
export function dense({ starts, pixels, values }: SparseImages, image: number): Float32Array {
  const result = new Float32Array(PIXELS);
  for (let entry = starts[image]!; entry < starts[image + 1]!; entry++) result[pixels[entry]!] = values[entry]!;
  return result;
}
