import { beforeAll, describe, expect, it } from 'vitest';
import { type Digits, epochs, gather, PIXELS, splitDigits } from '../src/batches.ts';
import { readDigits } from '../src/data.ts';

const sorted = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);

describe('the digits', () => {
  let digits: Digits;
  beforeAll(async () => {
    digits = await readDigits();
  });

  it('are 10,000 images of 28 x 28 grey values, about as many of each digit', () => {
    expect(digits.images).toHaveLength(10_000 * 784);
    expect(digits.images.every((value) => value >= 0 && value <= 1)).toBe(true);
    const counts = Array.from({ length: 10 }, (_, digit) => digits.labels.filter((label) => label === digit).length);
    expect(counts).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  });

  it('hold no image in both parts', () => {
    const { training, test } = splitDigits(1);
    const image = (index: number): string =>
      Buffer.from(digits.images.slice(index * PIXELS, (index + 1) * PIXELS).buffer).toString('base64');
    const seen = new Set(Array.from(training, image));
    expect(Array.from(test, image).filter((each) => seen.has(each))).toEqual([]);
  });

  it('come in batches in the order that was asked for', () => {
    const { images, labels } = gather(digits, Int32Array.of(9999, 0));
    expect([...labels]).toEqual([9, 0]);
    expect(images.subarray(0, PIXELS)).toEqual(digits.images.subarray(9999 * PIXELS));
    expect(images.subarray(PIXELS)).toEqual(digits.images.subarray(0, PIXELS));
  });
});

describe('the split', () => {
  it('gives 8,000 and 2,000 different digits', () => {
    const { training, test } = splitDigits(7);
    expect([training.length, test.length]).toEqual([8000, 2000]);
    expect(sorted([...training, ...test])).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  it('is fixed by the seed', () => {
    expect(splitDigits(3)).toEqual(splitDigits(3));
    expect(splitDigits(3).test).not.toEqual(splitDigits(4).test);
    expect(splitDigits(0).test).not.toEqual(splitDigits(0xffff_ffff).test);
  });

  it('keeps the test digits when fewer are trained on', () => {
    const { training, test } = splitDigits(3, 100);
    expect(training).toEqual(splitDigits(3).training.subarray(0, 100));
    expect(test).toEqual(splitDigits(3).test);
  });

  it('is shuffled anew in each epoch, by the seed', () => {
    const training = Int32Array.from({ length: 50 }, (_, i) => i);
    const orders = (seed: number): number[][] => Array.from(epochs(training, seed, 3), (order) => [...order]);
    const [first, second, third] = orders(1);
    expect(orders(1)).toEqual([first, second, third]);
    expect(second).not.toEqual(first);
    expect(third).not.toEqual(second);
    expect(orders(2)[0]).not.toEqual(first);
    for (const order of orders(1)) expect(sorted(order)).toEqual([...training]);
    expect(training[49]).toBe(49);
  });
});
