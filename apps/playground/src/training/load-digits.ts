import { type SparseDigits, unpackDigits } from './images.ts';

/**
 * Fetches the digits that `scripts/pack-digits.mjs` packed.
 *
 * @throws Error when they can't be had: with the address and what came
 */
export async function loadDigits(url: URL): Promise<SparseDigits> {
  const response = await fetch(url);
  if (!response.ok || !response.body)
    throw new Error(`the digits at ${url.href}: ${response.status} ${response.statusText}`);
  const unzipped = response.body.pipeThrough(new DecompressionStream('gzip'));
  return unpackDigits(new Uint8Array(await new Response(unzipped).arrayBuffer()));
}
