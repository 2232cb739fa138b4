import { type Backend, defineOptimizer } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import type { Ops } from '@sgd/core/engine';
import { gpujs } from '@sgd/gpujs';
import fc from 'fast-check';
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

const KINDS = ['add', 'sub', 'mul', 'div', 'min', 'max', 'neg', 'abs', 'sqrt', 'sign', 'select', 'pow', 'sum'] as const;

/** What is done, step by step, to what is there: `x`, `g`, two numbers, and what was done before. */
type Recipe = readonly (readonly [(typeof KINDS)[number], number, number, number])[];

function cook<T>(o: Ops<T>, recipe: Recipe, given: readonly T[]): T[] {
  const values = [...given];
  const pick = (n: number): T => values[n % values.length]!;
  for (const [kind, a, b, c] of recipe) values.push((o[kind] as (...operands: T[]) => T)(pick(a), pick(b), pick(c)));
  return values.slice(-3);
}

it('any rule of any operations has the bits of @sgd/cpu', { timeout: 120_000 }, async () => {
  const numbers = fc.float({ noNaN: false, noDefaultInfinity: false });
  const step = fc.tuple(fc.constantFrom(...KINDS), fc.nat(30), fc.nat(30), fc.nat(30));
  const arrays = fc.array(fc.tuple(numbers, numbers), { minLength: 1, maxLength: 40 });
  const gpuEngines = ['cpu', 'webasm'].map((mode) => gpujs({ mode }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 12 }),
      arrays,
      numbers,
      async (recipe, pairs, number) => {
        const Cooked = defineOptimizer({
          className: 'TestCooked',
          rule: {
            slots: () => [{ name: 'first' }, { name: 'second' }],
            update(o, _config, { x, g }, { learningRate }) {
              const [first, second, last] = cook(o, recipe, [x, g, learningRate, o.constant(number)]);
              return { first: first!, second: second!, x: last! };
            },
          },
        });
        const run = async (engine: Backend<never, never, 'sync'>): Promise<unknown> => {
          const optimizer = new Cooked({ learningRate: 0.3 }, engine);
          const data = (which: 0 | 1): Float32Array => Float32Array.from(pairs, (pair) => pair[which]);
          const shape = [pairs.length];
          optimizer.build({ x: engine.variable({ data: data(0), shape }) });
          optimizer.apply({ x: engine.gradient({ data: data(1), shape }) });
          const { slots } = await optimizer.getState();
          return [await optimizer.readAll(), slots];
        };
        const wanted = await run(cpu() as unknown as Backend<never, never, 'sync'>);
        for (const engine of gpuEngines)
          expect(await run(engine as unknown as Backend<never, never, 'sync'>)).toEqual(wanted);
      },
    ),
    { numRuns: 60 },
  );
});
