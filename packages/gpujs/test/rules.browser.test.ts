import { type Backend, defineOptimizer, type Mode, SgdError } from '@sgd/core';
import { numberOps, type Ops } from '@sgd/core/engine';
import { cpu } from '@sgd/cpu';
import make from '@sgd/gpujs/conformance';
import { describe, expect, it } from 'vitest';
import { Adam, Powering, Summing, train } from './rules.ts';

const around = { weightDecay: 0.01, gradientAccumulationSteps: 2, useEma: true, emaOverwriteFrequency: 2 };
const engineOf = (mode: string): Backend<never, never, Mode> => make(mode) as unknown as Backend<never, never, Mode>;

/** Operations that drivers get wrong for zeros, infinities and NaN. */
const operations = <T>(o: Ops<T>, x: T, g: T): Readonly<Record<string, T>> => ({
  smaller: o.min(x, g),
  larger: o.max(x, g),
  limited: o.min(o.max(x, o.constant(-2)), o.constant(2)),
  root: o.sqrt(x),
  zero: o.sub(g, g),
  sign: o.sign(x),
  choice: o.select(x, g, o.neg(x)),
});

const Specials = defineOptimizer({
  className: 'TestSpecials',
  rule: {
    slots: () => Object.keys(operations(numberOps('float32'), 0, 0)).map((name) => ({ name })),
    update: (o, _config, { x, g }) => ({ ...operations(o, x!, g!), x: x! }),
  },
});

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

  it('operations on zeros, infinities and NaN are those of numbers', async () => {
    const special = [0, 1, -1, 2.5, 3e38, Infinity, -Infinity, NaN];
    const x = Float32Array.from(special.flatMap((value) => special.map(() => value)));
    const g = Float32Array.from(special.flatMap(() => special));
    const engine = engineOf(mode);
    const optimizer = new Specials({}, engine);
    await optimizer.build({ x: engine.variable({ data: x, shape: [64] }) });
    await optimizer.apply({ x: engine.gradient({ data: g, shape: [64] }) });
    const { slots } = await optimizer.getState();
    const wanted = Array.from(x, (value, i) => operations(numberOps('float32'), value, g[i]!));
    expect(Object.keys(slots.x!)).toHaveLength(7);
    for (const [name, values] of Object.entries(slots.x as unknown as Record<string, Float32Array>)) {
      // the sign of zeros is not promised
      expect([name, ...Array.from(values, (value) => value + 0)]).toEqual([
        name,
        ...wanted.map((all) => all[name]! + 0),
      ]);
    }
  });

  it('a rule with powers of elements is refused by name', async () => {
    const refused = train(Powering, engineOf(mode));
    await expect(refused).rejects.toThrow(SgdError);
    await expect(refused).rejects.toThrow(/pow/);
  });
});
