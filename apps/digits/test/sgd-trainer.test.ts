import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Batch, CLASSES, PIXELS } from '../src/batches.ts';
import { sameWeights } from '../src/compare.ts';
import { startEngine } from '../src/engine.ts';
import { DEFAULTS, type Options } from '../src/options.ts';
import { randomStream, uniformValues } from '../src/random.ts';
import { type Trainer, testSet } from '../src/trainer.ts';
import { trainerOf } from '../src/trainers.ts';

const random = randomStream(1, 'test');
const batches = Array.from({ length: 12 }, (): Batch => ({
  images: uniformValues(8 * PIXELS, 1, random).map(Math.abs),
  labels: Uint8Array.from({ length: 8 }, (_, i) => (i * 3) % CLASSES),
}));

const RULES: Readonly<Record<string, Partial<Options>>> = {
  'the defaults': {},
  averages: { useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 3 },
  accumulation: { gradientAccumulationSteps: 3, nonFinite: 'skip' },
  'a loss scale, frozen and clipped': {
    dynamicLossScale: 8,
    dynamicGrowthSteps: 2,
    globalClipnorm: 0.5,
    groups: [{ paths: ['hidden/bias'], frozen: true }],
    excludeFromWeightDecay: 'bias',
  },
};

const start = async (backend: string, rule: Partial<Options>): Promise<Trainer> => {
  const { create } = await trainerOf(backend, { ...DEFAULTS, ...rule });
  return create(batches.length, () => {});
};

beforeAll(startEngine);

describe.each(Object.entries(RULES))('a training with %s', (_, rule) => {
  it('has the same weights after each step where nothing is copied', async () => {
    const trainers = [await start('cpu', rule), await start('auto', rule), await start('tfjs:wasm-ops', rule)];
    const [expected, ...others] = trainers as [Trainer, ...Trainer[]];
    const first = expected.weights;
    expect(trainers.map(({ copiesPerStep }) => copiesPerStep)).toEqual([8, 0, 0]);
    const same = (): boolean => others.every(({ weights }) => sameWeights(weights, expected.weights));
    expect(same()).toBe(true);
    for (const batch of batches) {
      const { loss, correct, learningRate } = await expected.step(batch);
      for (const trainer of others) expect(await trainer.step(batch)).toMatchObject({ loss, correct, learningRate });
      expect(same()).toBe(true);
    }
    for (const trainer of trainers) await trainer.finalize();
    expect(same()).toBe(true);
    expect(sameWeights(first, expected.weights)).toBe(false);
    for (const trainer of trainers) await trainer.dispose();
  });

  it.each(['cpu', 'auto', 'tfjs:wasm', 'tfjs:wasm-ops', 'tfjs:cpu'])(
    'holds as much after each step: %s',
    async (backend) => {
      const before = tf.memory();
      const trainer = await start(backend, rule);
      const test = testSet(batches[0]!);
      const held: number[][] = [];
      for (const batch of batches) {
        await trainer.step(batch);
        trainer.accuracy(test);
        await trainer.averagedAccuracy(test);
        const { numTensors, numDataBuffers, numBytes } = tf.memory();
        held.push([numTensors, numDataBuffers, numBytes]);
      }
      const settled = held.slice(1); // what a session keeps for itself is there after its first step
      expect(settled).toEqual(settled.map(() => held[1]));
      test.images.dispose();
      await trainer.dispose();
      const { numTensors, numDataBuffers, numBytes } = before;
      expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
    },
  );
});
