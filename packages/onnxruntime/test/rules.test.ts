import { defineOptimizer, type FloatArray, SGD } from '@sgd/core';
import type { Ops } from '@sgd/core/engine';
import { cpu } from '@sgd/cpu';
import { onnxruntime } from '@sgd/onnxruntime';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { AdamLike, SURROUNDINGS, trained, TrustPower } from '../../../tests/support/rules.ts';
import { loadOrt, type TestOrt } from './engines.ts';

const KINDS = ['add', 'sub', 'mul', 'div', 'min', 'max', 'neg', 'abs', 'sqrt', 'sign', 'select'] as const;

/** What is done, step by step, to what is there: `x`, `g`, two numbers, and what was done before. */
type Recipe = readonly (readonly [(typeof KINDS)[number], number, number, number])[];

function cook<T>(o: Ops<T>, recipe: Recipe, given: readonly T[]): T[] {
  const values = [...given];
  const pick = (n: number): T => values[n % values.length]!;
  for (const [kind, a, b, c] of recipe) values.push((o[kind] as (...operands: T[]) => T)(pick(a), pick(b), pick(c)));
  return values.slice(-3);
}

/** The largest difference, by the larger of the magnitudes and 1. */
function distance(one: FloatArray, other: FloatArray): number {
  let largest = 0;
  one.forEach((x, i) => {
    largest = Math.max(largest, Math.abs(x - other[i]!) / Math.max(1, Math.abs(other[i]!)));
  });
  return largest;
}

describe.each(['node', 'wasm'])('on %s', (variant) => {
  let ort: TestOrt;
  beforeAll(async () => {
    ort = await loadOrt(variant);
  });

  it.each([...SURROUNDINGS, { clipvalue: 0.1, useEma: true }])(
    'square roots, powers of numbers and two slots, under %o',
    async (options) => {
      const wanted = await trained(AdamLike, options, cpu());
      const got = await trained(AdamLike, options, onnxruntime({ ort }));
      // sums of squares are formed in float64 here
      const limit = 'clipnorm' in options || 'globalClipnorm' in options ? 1e-6 : 0;
      for (const [name, values] of Object.entries(wanted.tensors))
        expect(distance(got.tensors[name]!, values), name).toBeLessThanOrEqual(limit);
      expect(got.measured.updateNorm).toBeCloseTo(wanted.measured.updateNorm!, 5);
      expect(got.measured.gradientNorm).toBeCloseTo(wanted.measured.gradientNorm!, 5);
    },
  );

  it.each(SURROUNDINGS)('sums within the rule, powers, and a slot of 0.1 at first, under %o', async (options) => {
    const wanted = await trained(TrustPower, options, cpu());
    const got = await trained(TrustPower, options, onnxruntime({ ort }));
    expect(Object.keys(got.tensors)).toEqual(Object.keys(wanted.tensors));
    for (const [name, values] of Object.entries(wanted.tensors)) {
      expect(distance(got.tensors[name]!, values), name).toBeLessThan(1e-6);
    }
    expect(got.measured.updateNorm).toBeCloseTo(wanted.measured.updateNorm!, 5);
  });

  it('groups may differ in what is done', async () => {
    const groups = [{ paths: [/^b/], nesterov: true }];
    const options = { learningRate: 0.1, momentum: 0.5 };
    const values = (): Record<string, Float32Array> => ({ a: new Float32Array([1, 2]), b: new Float32Array([1, 2]) });
    const [here, there] = [values(), values()];
    const one = new SGD(options, onnxruntime({ ort }), { groups });
    const other = new SGD(options, cpu(), { groups });
    await one.build(here);
    other.build(there);
    for (const x of [1, 0.3, -2]) {
      const gradient = new Float32Array([x, -x]);
      await one.apply([gradient, gradient]);
      other.apply([gradient, gradient]);
    }
    expect(here).toEqual(there);
    expect(here['a']).not.toEqual(here['b']);
    await one.dispose();
  });

  it('any rule of any operations that round once has the bits of @sgd/cpu', { timeout: 120_000 }, async () => {
    const numbers = fc.float({ noNaN: false, noDefaultInfinity: false });
    const action = fc.tuple(fc.constantFrom(...KINDS), fc.nat(30), fc.nat(30), fc.nat(30));
    const recipes = fc.array(action, { minLength: 3, maxLength: 12 });
    const pairs = fc.array(fc.tuple(numbers, numbers), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(recipes, pairs, numbers, async (recipe, given, number) => {
        const Cooked = defineOptimizer({
          className: 'Cooked',
          rule: {
            slots: () => [{ name: 'first' }, { name: 'second', initial: 3 }],
            update(o, _config, { x, g, second }, { learningRate }) {
              const start = [x, g, learningRate, o.constant(number), second];
              const [first, next, last] = cook(o, recipe, start);
              return { x: last!, first: first!, second: next! };
            },
          },
        });
        const run = async (backend: ReturnType<typeof cpu> | ReturnType<typeof onnxruntime>): Promise<unknown> => {
          const x = Float32Array.from(given, ([value]) => value);
          const optimizer = new Cooked({ learningRate: 0.5 }, backend as ReturnType<typeof onnxruntime>);
          await optimizer.build({ x });
          for (let step = 0; step < 2; step++) await optimizer.apply([Float32Array.from(given, ([, g]) => g)]);
          const { slots } = await optimizer.getState();
          await optimizer.dispose();
          // the sign of a zero is not promised
          return [x, slots['x']!['first']!, slots['x']!['second']!].map((values) => Array.from(values, (v) => v + 0));
        };
        expect(await run(onnxruntime({ ort }))).toEqual(await run(cpu()));
      }),
      { numRuns: 100 },
    );
  });
});
