import { type Chart, contours, draw, note } from './chart.ts';
import { descend, descendApart, descendNoisily, noise, type Point, valley, weightOver } from './descend.ts';

const LEVELS = [0.5, 2, 5, 10, 20, 35, 55, 80];
const FIRST = { label: 'first weight' };
const SECOND = { label: 'second weight' };

// 20 times as steep across as along
const narrow = valley(1, 20);
const START: Point = [-9, 1.5];
const NARROW: Omit<Chart, 'description' | 'lines'> = {
  x: { ...FIRST, domain: [-10, 3] },
  y: { ...SECOND, domain: [-2, 2] },
  under: contours(narrow, LEVELS),
};

// both coordinates on one scale, so that directions are seen as they are
const wide = valley(1, 8);
const CORNER: Point = [-3.6, 2.6];
const WIDE: Omit<Chart, 'description' | 'lines'> = {
  x: { ...FIRST, domain: [-4, 4] },
  y: { ...SECOND, domain: [-2.92, 2.92] },
  under: contours(wide, LEVELS),
};

const learningRate = (): string =>
  draw({
    ...NARROW,
    description:
      'Three paths of 30 steps in a narrow valley: a small rate creeps, a middle one goes down and along, a large one leaps from wall to wall.',
    lines: [0.01, 0.05, 0.098].map((rate) => ({
      label: `learningRate: ${rate}`,
      points: descend({ learningRate: rate }, narrow, START, 30),
    })),
  });

const momentum = (): string =>
  draw({
    ...NARROW,
    description:
      'Two paths of 40 steps in a narrow valley: without momentum it is half-way to the least loss, with momentum it swings and is there.',
    lines: [0, 0.8].map((value) => ({
      label: `momentum: ${value}`,
      points: descend({ learningRate: 0.02, momentum: value }, narrow, START, 40),
    })),
  });

const nesterov = (): string =>
  draw({
    ...NARROW,
    description: 'Two paths of 40 steps in a narrow valley: with nesterov the swings from wall to wall die out sooner.',
    lines: [false, true].map((value) => ({
      label: `momentum: 0.9, nesterov: ${value}`,
      points: descend({ learningRate: 0.02, momentum: 0.9, nesterov: value }, narrow, START, 40),
    })),
  });

const weightDecay = (): string => {
  const hill = valley(1, 4, [6, 3]);
  return draw({
    description:
      'Two paths: without weight decay it ends where the loss is least, with weight decay between that place and the origin.',
    x: { ...FIRST, domain: [-3, 8] },
    y: { ...SECOND, domain: [-1, 5] },
    under: [...contours(hill, [0.5, 2, 5, 10, 20, 35]), note('origin', [0, 0], { dx: 10 }), originMark()],
    lines: [null, 0.5].map((value) => ({
      label: `weightDecay: ${value}`,
      points: descend({ learningRate: 0.1, weightDecay: value }, hill, [-2, 4.5], 40),
    })),
  });
};

const originMark = () => note('+', [0, 0], { textAnchor: 'middle', fontSize: 18 });

const clipnorm = (): string =>
  draw({
    ...WIDE,
    description:
      'Two paths: without clipping the first step leaps over the valley; with clipnorm each step has a limited length, in the same direction.',
    lines: [null, 2].map((value) => ({
      label: `clipnorm: ${value}`,
      points: descend({ learningRate: 0.2, clipnorm: value }, wide, CORNER, 24),
    })),
  });

const clipvalue = (): string =>
  draw({
    ...WIDE,
    description:
      'Three paths: clipvalue limits each coordinate alone, so that its steps turn to the diagonal; clipnorm keeps the direction.',
    lines: [
      { label: 'clipvalue: null', points: descend({ learningRate: 0.2 }, wide, CORNER, 24) },
      { label: 'clipvalue: 2', points: descend({ learningRate: 0.2, clipvalue: 2 }, wide, CORNER, 24) },
      { label: 'clipnorm: 2', points: descend({ learningRate: 0.2, clipnorm: 2 }, wide, CORNER, 24) },
    ],
  });

const globalClipnorm = (): string =>
  draw({
    ...WIDE,
    description:
      'Two paths of two variables: clipnorm limits each gradient alone and turns the step; globalClipnorm shortens both alike.',
    lines: [
      { label: 'clipnorm: 2', points: descendApart({ learningRate: 0.2, clipnorm: 2 }, wide, CORNER, 24) },
      { label: 'globalClipnorm: 2', points: descendApart({ learningRate: 0.2, globalClipnorm: 2 }, wide, CORNER, 24) },
    ],
  });

const groups = (): string => {
  const options = { learningRate: 0.09 };
  const group = { paths: ['y'], learningRateMultiplier: 0.5 };
  return draw({
    ...NARROW,
    description:
      'Two paths of two variables: with one rate the second weight leaps from wall to wall; with half of it in a group it goes straight down.',
    lines: [
      { label: 'learningRate: 0.09', points: descendApart(options, narrow, START, 24) },
      {
        label: 'learningRateMultiplier: 0.5 for the second',
        points: descendApart(options, narrow, START, 24, { groups: [group] }),
      },
    ],
  });
};

const averages = (): string => {
  const round = valley(1, 1);
  const options = { learningRate: 0.15, emaMomentum: 0.9 };
  const random = noise(7);
  const { weights, averages: means } = descendNoisily(options, round, [-9, 6], 70, () => 4 * random());
  return draw({
    description:
      'Two paths with noisy gradients: the weights wander around the place of least loss, their average stays close to it.',
    x: { ...FIRST, domain: [-10, 4] },
    y: { ...SECOND, domain: [-4, 7] },
    under: contours(round, [0.5, 2, 5, 10, 20, 35, 55]),
    lines: [
      { label: 'weights', points: weights, dots: false },
      { label: 'their average, emaMomentum: 0.9', points: means },
    ],
  });
};

const gradientAccumulationSteps = (): string =>
  draw({
    description:
      'One weight over 40 calls: without accumulation it moves at each, with four micro-batches at each fourth, and less wildly.',
    x: { label: 'calls of apply', domain: [0, 40] },
    y: { label: 'weight', domain: [-2, 8] },
    lines: [null, 4].map((value) => {
      const random = noise(3);
      const gradientOf = (weight: number): number => weight + 4 * random();
      return {
        label: `gradientAccumulationSteps: ${value}`,
        points: weightOver({ learningRate: 0.3, gradientAccumulationSteps: value }, 7, 40, gradientOf),
      };
    }),
  });

/** By name of the file, without its ending. */
export const OPTIONS: Readonly<Record<string, () => string>> = {
  'learning-rate': learningRate,
  momentum,
  nesterov,
  'weight-decay': weightDecay,
  clipnorm,
  clipvalue,
  'global-clipnorm': globalClipnorm,
  groups,
  averages,
  'gradient-accumulation-steps': gradientAccumulationSteps,
};
