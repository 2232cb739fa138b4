import type { Backend } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { gpujs } from '@sgd/gpujs';
import { describe, expect, it } from 'vitest';
import { Adam, Powering, Summing, train } from './rules.ts';

const around = {
  weightDecay: 0.01,
  gradientAccumulationSteps: 2,
  lossScaleFactor: 4,
  useEma: true,
  emaOverwriteFrequency: 2,
};

describe.each(['cpu', 'webasm'])('mode %s', (mode) => {
  it.each([
    ['two slots and square roots', Adam],
    ['sums, signs and choices', Summing],
    ['powers', Powering],
  ])('a rule with %s has the bits of @sgd/cpu', async (_name, Optimizer) => {
    for (const options of [{}, { ...around, clipnorm: 0.5 }, { ...around, globalClipnorm: 0.5 }, { clipvalue: 0.2 }]) {
      const own = await train(Optimizer, gpujs({ mode }) as unknown as Backend<never, never, 'sync'>, options);
      const wanted = await train(Optimizer, cpu() as unknown as Backend<never, never, 'sync'>, options);
      expect(own).toEqual(wanted);
      expect(own.wide!.every(Number.isFinite)).toBe(true);
    }
  });
});
