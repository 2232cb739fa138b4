import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** A stream of random numbers that the seed and the purpose fix, so that e.g. more weights do not change the order of batches. */
export function randomStream(seed: number, purpose: string): RandomGenerator {
  let mixed = seed | 0;
  for (const letter of purpose) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193);
  return xoroshiro128plus(mixed);
}

/** Shuffles in place (Fisher-Yates). */
export function shuffle(values: Int32Array, random: RandomGenerator): Int32Array {
  for (let i = values.length - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i);
    const kept = values[i] as number;
    values[i] = values[j] as number;
    values[j] = kept;
  }
  return values;
}

/** Numbers from `-limit` to `limit`, rounded to float32. */
export function uniformValues(length: number, limit: number, random: RandomGenerator): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = (2 * uniformFloat64(random) - 1) * limit;
  return values;
}
