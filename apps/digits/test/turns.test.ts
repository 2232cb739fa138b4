import { expect, it } from 'vitest';
import { type Digits, PIXELS } from '../src/batches.ts';
import { DEFAULTS } from '../src/options.ts';
import { train } from '../src/train.ts';
import type { TestSet, Trainer } from '../src/trainer.ts';

const digits: Digits = { images: new Float32Array(6 * PIXELS), labels: new Uint8Array(6) };
const nobody = { step() {}, epoch() {} };

it('trainers take turns at being the first to step', async () => {
  const order: string[] = [];
  const trainer = (label: string): Trainer =>
    ({
      label,
      step: async () => (order.push(label), { loss: 1, correct: 0, learningRate: 1, gradientNorm: null }),
      accuracy: () => 0,
      averagedAccuracy: () => Promise.resolve(null),
    }) as Partial<Trainer> as Trainer;
  const options = { ...DEFAULTS, batch: 2, limit: 6, epochs: 2 };
  const training = Int32Array.of(0, 1, 2, 3, 4, 5);
  const trainers = [trainer('a'), trainer('b')];
  const { histories } = await train(options, trainers, digits, training, {} as TestSet, nobody, () => false);
  expect(order.join('')).toBe('abbaabbaabba');
  expect(histories.map(({ steps }) => steps.length)).toEqual([6, 6]);
});
