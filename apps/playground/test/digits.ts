import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type SparseDigits, unpackDigits } from '../src/training/images.ts';

const file = new URL('../assets/digits.bin', import.meta.url);
let digits: SparseDigits | undefined;

/** The digits as the page has them. */
export function packedDigits(): SparseDigits {
  if (!existsSync(file)) throw new Error('no digits: run npm run build first');
  return (digits ??= unpackDigits(Uint8Array.from(gunzipSync(readFileSync(file)))));
}
