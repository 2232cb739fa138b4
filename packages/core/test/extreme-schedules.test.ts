import { readFileSync } from 'node:fs';
import { deserializeSchedule, ExponentialDecay, PolynomialDecay } from '@sgd/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

interface Recorded {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly values: readonly (number | string)[];
}

// What keras 3.15.1 gave on its numpy backend (numpy 2.4.6), for finite options whose quotients and powers are not finite.
const lines = readFileSync(new URL('./fixtures/extreme-schedules.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const { steps } = JSON.parse(lines[0] as string) as { steps: number[] };
const cases = lines.slice(1).map((line) => JSON.parse(line) as Recorded);

/** Units in the last place between two numbers, one of which may be infinite or NaN: the other must be the same then. */
function ulps(want: number, got: number): number {
  if (Number.isFinite(want)) return Math.abs(place(want) - place(got));
  return Object.is(want, got) ? 0 : Number.POSITIVE_INFINITY;
}

/** The place of a float32 in the order of all of them. */
function place(x: number): number {
  const [bits = 0] = new Int32Array(Float32Array.of(x).buffer);
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

describe('extreme options and steps', () => {
  it('were recorded for every schedule that divides', () => {
    expect(new Set(cases.map((one) => one.class_name)).size).toBe(5);
    expect(cases.length).toBeGreaterThan(200);
  });

  it.each(cases.map((one) => [`${one.class_name} ${JSON.stringify(one.config)}`, one] as const))('%s', (_, one) => {
    const schedule = deserializeSchedule({ class_name: one.class_name, config: one.config });
    steps.forEach((step, i) => {
      const [want, got] = [Number(one.values[i]), schedule.call(step)];
      expect(ulps(want, got), `step ${step}: expected ${want}, got ${got}`).toBeLessThan(3);
    });
  });

  it('1 to any power is 1, and so is -1 to an infinite one', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(
        number,
        fc.double({ min: 5e-324, noNaN: true }),
        fc.nat(2 ** 31 - 1),
        fc.boolean(),
        (rate, n, step, staircase) => {
          const given = { initialLearningRate: rate, decaySteps: n, staircase };
          expect(new ExponentialDecay({ ...given, decayRate: 1 }).call(step)).toBe(Math.fround(rate));
        },
      ),
    );
    const tiny = { initialLearningRate: 0.5, decaySteps: 1e-45 };
    expect(new ExponentialDecay({ ...tiny, decayRate: -1 }).call(1)).toBe(0.5);
    expect(new ExponentialDecay({ ...tiny, decaySteps: 1e-50, decayRate: 1 }).call(0)).toBe(0.5);
    const power = { initialLearningRate: 0.5, decaySteps: 4, endLearningRate: 0, power: Number.POSITIVE_INFINITY };
    expect([0, 1].map((step) => new PolynomialDecay(power).call(step))).toEqual([0.5, 0]);
  });
});
