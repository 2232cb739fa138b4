import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
  type Schedule,
} from '@sgd/core';
import { draw } from './chart.ts';

/** The rate at each step, for each of the schedules. */
function rates(description: string, steps: number, schedules: Readonly<Record<string, Schedule>>): string {
  return draw({
    description,
    x: { label: 'step', domain: [0, steps] },
    y: { label: 'learning rate', domain: [0, 0.105], tickFormat: '~g' },
    lines: Object.entries(schedules).map(([label, schedule]) => ({
      label,
      points: Array.from({ length: steps + 1 }, (_, step) => [step, schedule.call(step)] as const),
      dots: false,
    })),
  });
}

const initialLearningRate = 0.1;

const exponential = (): string => {
  const options = { initialLearningRate, decaySteps: 20, decayRate: 0.5 };
  return rates('The rate is halved every 20 steps: in a smooth curve, or, with staircase, in steps.', 100, {
    'decaySteps: 20, decayRate: 0.5': new ExponentialDecay(options),
    'the same, staircase: true': new ExponentialDecay({ ...options, staircase: true }),
  });
};

const inverseTime = (): string => {
  const options = { initialLearningRate, decaySteps: 20, decayRate: 1 };
  return rates(
    'The rate falls fast at first, then ever slower: in a smooth curve, or, with staircase, in steps.',
    100,
    {
      'decaySteps: 20, decayRate: 1': new InverseTimeDecay(options),
      'the same, staircase: true': new InverseTimeDecay({ ...options, staircase: true }),
    },
  );
};

const piecewise = (): string =>
  rates('Three levels: 0.1 up to step 40, 0.05 up to step 70, then 0.01.', 100, {
    'boundaries: [40, 70], values: [0.1, 0.05, 0.01]': new PiecewiseConstantDecay({
      boundaries: [40, 70],
      values: [0.1, 0.05, 0.01],
    }),
  });

const polynomial = (): string => {
  const options = { initialLearningRate, decaySteps: 40, endLearningRate: 0.01 };
  return rates(
    'A straight line down to the end rate, a curve down to it, and lines that start anew after each end.',
    120,
    {
      'decaySteps: 40, endLearningRate: 0.01': new PolynomialDecay(options),
      'the same, power: 3': new PolynomialDecay({ ...options, power: 3 }),
      'the same, cycle: true': new PolynomialDecay({ ...options, cycle: true }),
    },
  );
};

const cosine = (): string =>
  rates('Half a cosine down to 0, one down to a fifth, and one after a straight warm-up of 20 steps.', 120, {
    'decaySteps: 80': new CosineDecay({ initialLearningRate, decaySteps: 80 }),
    'the same, alpha: 0.2': new CosineDecay({ initialLearningRate, decaySteps: 80, alpha: 0.2 }),
    'from 0, warmupTarget: 0.1, warmupSteps: 20': new CosineDecay({
      initialLearningRate: 0,
      decaySteps: 80,
      warmupTarget: 0.1,
      warmupSteps: 20,
    }),
  });

const restarts = (): string =>
  rates(
    'Half cosines one after the other: each twice as long as the one before, or of one length and ever lower.',
    140,
    {
      'firstDecaySteps: 20': new CosineDecayRestarts({ initialLearningRate, firstDecaySteps: 20 }),
      'the same, tMul: 1, mMul: 0.8': new CosineDecayRestarts({
        initialLearningRate,
        firstDecaySteps: 20,
        tMul: 1,
        mMul: 0.8,
      }),
    },
  );

/** By name of the file, without its ending. */
export const SCHEDULES: Readonly<Record<string, () => string>> = {
  'exponential-decay': exponential,
  'inverse-time-decay': inverseTime,
  'piecewise-constant-decay': piecewise,
  'polynomial-decay': polynomial,
  'cosine-decay': cosine,
  'cosine-decay-restarts': restarts,
};
