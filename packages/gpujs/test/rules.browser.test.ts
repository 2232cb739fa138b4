import { type Backend, type Mode, SgdError } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import make from '@sgd/gpujs/conformance';
import { describe, expect, it } from 'vitest';
import { Adam, Powering, Summing, train } from './rules.ts';

const around = { weightDecay: 0.01, gradientAccumulationSteps: 2, useEma: true, emaOverwriteFrequency: 2 };
const engineOf = (mode: string): Backend<never, never, Mode> => make(mode) as unknown as Backend<never, never, Mode>;

describe.each(['webgl2', 'webgl', 'webgpu'])('mode %s', (mode) => {
  it.each([
    ['two slots and square roots', Adam],
    ['sums, signs and choices', Summing],
  ])('a rule with %s is as close to @sgd/cpu as float32 allows', { timeout: 60_000 }, async (_name, Optimizer) => {
    for (const options of [{}, { ...around, clipnorm: 0.5 }, { ...around, globalClipnorm: 0.5 }]) {
      const own = await train(Optimizer, engineOf(mode), options);
      const wanted = await train(Optimizer, cpu() as unknown as Backend<never, never, 'sync'>, options);
      expect(Object.keys(own)).toEqual(Object.keys(wanted));
      for (const [name, values] of Object.entries(wanted)) {
        expect(own[name]).toHaveLength(values.length);
        values.forEach((value, i) =>
          expect(Math.abs(own[name]![i]! - value)).toBeLessThan(2e-5 * Math.max(1, Math.abs(value))),
        );
      }
    }
  });

  it('a rule with powers of elements is refused by name', async () => {
    const refused = train(Powering, engineOf(mode));
    await expect(refused).rejects.toThrow(SgdError);
    await expect(refused).rejects.toThrow(/pow/);
  });
});
