import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
  type Schedule,
} from '@sgd/core';
import { describe, expect, it } from 'vitest';
import { expectRefusal } from './helpers.ts';

const at = (schedule: Schedule, ...steps: number[]): number[] => steps.map((step) => schedule.call(step));
const f = Math.fround;

describe('schedules', () => {
  it('ExponentialDecay and InverseTimeDecay, smooth and in stairs', () => {
    const options = { initialLearningRate: 1, decaySteps: 4, decayRate: 0.25 };
    expect(at(new ExponentialDecay(options), 0, 2, 4, 6)).toEqual([1, 0.5, 0.25, 0.125]);
    expect(at(new ExponentialDecay({ ...options, staircase: true }), 0, 3, 4, 7)).toEqual([1, 1, 0.25, 0.25]);
    const inverse = { initialLearningRate: 1, decaySteps: 2, decayRate: 1 };
    expect(at(new InverseTimeDecay(inverse), 0, 2, 6)).toEqual([1, 0.5, 0.25]);
    expect(at(new InverseTimeDecay({ ...inverse, staircase: true }), 1, 3)).toEqual([1, 0.5]);
  });

  it('PiecewiseConstantDecay: inclusive ends, cut for integer steps, sums where boundaries go down', () => {
    const schedule = new PiecewiseConstantDecay({ boundaries: [2.5, 5], values: [1, 2, 4] });
    expect(at(schedule, 0, 2, 3, 5, 6)).toEqual([1, 1, 2, 2, 4]);
    expect(at(schedule, 2.25, 2.75, 5.5)).toEqual([1, 2, 4]);
    expect(at(new PiecewiseConstantDecay({ boundaries: [], values: [3] }), 0, 9)).toEqual([3, 3]);
    expect(at(new PiecewiseConstantDecay({ boundaries: [5, 2], values: [1, 2, 4] }), 1, 4, 6)).toEqual([1, 5, 4]);
    const infinite = new PiecewiseConstantDecay({ boundaries: [1], values: [Number.POSITIVE_INFINITY, 1] });
    expect(at(infinite, 5)).toEqual([Number.NaN]);
  });

  it('PolynomialDecay, once and in cycles', () => {
    const options = { initialLearningRate: 1, decaySteps: 4, endLearningRate: 0 };
    expect(at(new PolynomialDecay(options), 0, 1, 4, 9)).toEqual([1, 0.75, 0, 0]);
    expect(at(new PolynomialDecay({ ...options, power: 2 }), 2)).toEqual([0.25]);
    expect(at(new PolynomialDecay({ ...options, cycle: true }), 0, 2, 4, 6, 8)).toEqual([1, 0.5, 0, 0.25, 0]);
    expect(at(new PolynomialDecay({ initialLearningRate: 1, decaySteps: 4 }), 4)).toEqual([f(0.0001)]);
  });

  it('CosineDecay, with and without warm-up', () => {
    const options = { initialLearningRate: 1, decaySteps: 4 };
    expect(at(new CosineDecay(options), 0, 4, 9)).toEqual([1, 0, 0]);
    expect(at(new CosineDecay(options), 2)[0]).toBeCloseTo(0.5, 6);
    expect(at(new CosineDecay({ ...options, alpha: 0.25 }), 0, 4)).toEqual([1, 0.25]);
    expect(at(new CosineDecay({ ...options, warmupSteps: 5 }), 0)).toEqual([1]);
    const warm = new CosineDecay({ initialLearningRate: 0, decaySteps: 4, warmupTarget: 2, warmupSteps: 2 });
    expect(at(warm, 0, 1, 2, 6, 99)).toEqual([0, 1, 2, 0, 0]);
    expect(at(new CosineDecay({ ...options, warmupTarget: 2 }), 0)).toEqual([2]);
  });

  it('CosineDecayRestarts: periods grow by tMul, starts by mMul', () => {
    const even = new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 4, tMul: 1, mMul: 0.5 });
    expect(at(even, 0, 4, 8)).toEqual([1, 0.5, 0.25]);
    const longer = new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 4, alpha: 0.5 });
    expect(at(longer, 0, 4, 12)).toEqual([1, 1, 1]);
    expect(at(longer, 2)[0]).toBeCloseTo(0.75, 6);
    expect(at(longer, 8)[0]).toBeCloseTo(0.75, 6);
    const shorter = new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 4, tMul: 0.5 });
    expect(at(shorter, 9)).toEqual([Number.NaN]);
  });

  it('with every constant at work', () => {
    const warm = new CosineDecay({ initialLearningRate: 0.5, decaySteps: 4, warmupTarget: 2.5, warmupSteps: 4 });
    expect(at(warm, 0, 1, 3)).toEqual([0.5, 1, 2]);
    const down = new PolynomialDecay({ initialLearningRate: 1, decaySteps: 4, endLearningRate: 0.5 });
    expect(at(down, 0, 2, 4)).toEqual([1, 0.75, 0.5]);
    expect(down.getConfig().name).toBe('PolynomialDecay');
    expect(new PolynomialDecay({ initialLearningRate: 1, decaySteps: 4, name: null }).getConfig().name).toBeNull();
    const even = new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 4, tMul: 1 });
    expect(at(even, 6)[0]).toBeCloseTo(0.5, 6);
    expect(at(even, 7)[0]).toBeCloseTo(0.1464466, 6);
    // periods of 2, 6 and 18 steps: step 5 is half of the second, step 17 half of the third
    const grows = new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 2, tMul: 3 });
    expect(at(grows, 2, 8)).toEqual([1, 1]);
    expect(at(grows, 5)[0]).toBeCloseTo(0.5, 6);
    expect(at(grows, 17)[0]).toBeCloseTo(0.5, 6);
    expect(at(grows, 1)[0]).toBeCloseTo(0.5, 6);
  });

  it.each<[() => Schedule, RegExp]>([
    [
      () => new ExponentialDecay({ initialLearningRate: 1, decaySteps: 0, decayRate: 1 }),
      /ExponentialDecay: decaySteps: expected a number greater than 0, got 0/,
    ],
    [
      () => new InverseTimeDecay({ initialLearningRate: 1, decaySteps: -1, decayRate: 1 }),
      /InverseTimeDecay: decaySteps/,
    ],
    [() => new PolynomialDecay({ initialLearningRate: 1, decaySteps: Number.NaN }), /PolynomialDecay: decaySteps/],
    [() => new CosineDecay({ initialLearningRate: 1, decaySteps: '5' as never }), /CosineDecay: decaySteps/],
    [() => new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 0 }), /firstDecaySteps/],
    [() => new CosineDecay({ decaySteps: 5 } as never), /initialLearningRate: expected a number, got undefined/],
    [
      () => new CosineDecay({ initialLearningRate: 1, decaySteps: 5, warmupTarget: '1' as never }),
      /warmupTarget: expected a number or null/,
    ],
    [
      () => new CosineDecay({ initialLearningRate: 1, decaySteps: 5, warmup_steps: 1 } as never),
      /did you mean warmupSteps/,
    ],
    [
      () => new PiecewiseConstantDecay({ boundaries: [1], values: [1] }),
      /boundaries: expected one fewer than values \(1\), got Array of 1/,
    ],
    [
      () => new PiecewiseConstantDecay({ boundaries: ['1'] as never, values: [1, 2] }),
      /boundaries: expected an array of numbers/,
    ],
    [
      () => new PolynomialDecay({ initialLearningRate: 1, decaySteps: 5, cycle: 1 as never }),
      /cycle: expected a boolean/,
    ],
    [
      () => new ExponentialDecay({ initialLearningRate: 1, decaySteps: 5, decayRate: 1, name: 3 as never }),
      /name: expected a string or null/,
    ],
  ])('%s is refused', (make, message) => {
    expectRefusal(make, 'SGD_INVALID_OPTION', message);
  });

  it('keep no hold on the arrays they were given', () => {
    const values = [1, 2];
    const schedule = new PiecewiseConstantDecay({ boundaries: [1], values });
    values[0] = 9;
    (schedule.getConfig().values as number[])[1] = 9;
    expect(at(schedule, 0, 5)).toEqual([1, 2]);
  });
});
