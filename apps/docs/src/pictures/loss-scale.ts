import * as Plot from '@observablehq/plot';
import { LossScaleOptimizer, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { draw } from './chart.ts';
import { type Point, weightOver } from './descend.ts';
import { float16 } from './float16.ts';

// a loss of 1e-6 * w^2 / 2: its gradients are smaller than float16 can tell apart
const SMALL = 1e-6;

const lossScaleFactor = (): string =>
  draw({
    description:
      'One weight whose gradients are float16, over 60 steps: without loss scaling they become 0 and it stays; with a factor of 1024 it goes on to its end.',
    x: { label: 'step', domain: [0, 60] },
    y: { label: 'weight', domain: [0.001, 1], type: 'log', ticks: [1, 0.1, 0.01, 0.001], tickFormat: '~g' },
    lines: [null, 1024].map((value) => ({
      label: `lossScaleFactor: ${value}`,
      points: weightOver({ learningRate: 0.15 / SMALL, lossScaleFactor: value }, 1, 60, (weight) =>
        float16(SMALL * weight * (value ?? 1)),
      ),
    })),
  });

const dynamicLossScale = (): string => {
  const weight = Float32Array.of(1);
  const inner = new SGD({ learningRate: 0.01 }, cpu());
  const optimizer = new LossScaleOptimizer(inner, { initialScale: 2 ** 16, dynamicGrowthSteps: 20 });
  optimizer.build({ weight });
  const scales: Point[] = [];
  const dropped: Point[] = [];
  for (let step = 0; step < 120; step++) {
    const scale = optimizer.dynamicScale;
    scales.push([step, scale]);
    const gradient = float16(4 * 0.98 ** step * scale);
    if (!optimizer.apply([Float32Array.of(gradient)])) dropped.push([step, scale]);
  }
  return draw({
    description:
      'The loss scale over 120 steps: it is halved at each step that is dropped, and doubled after 20 steps in a row.',
    x: { label: 'step', domain: [0, 120] },
    y: { label: 'loss scale', type: 'log', base: 2, domain: [2 ** 12.5, 2 ** 17.5], tickFormat: powerOfTwo },
    lines: [{ label: 'dynamicGrowthSteps: 20; × is a step dropped', points: scales, dots: false }],
    over: [Plot.dot(dropped, { symbol: 'times', r: 5, stroke: 'currentColor', strokeWidth: 2 })],
  });
};

const powerOfTwo = (n: number): string =>
  `2${String(Math.log2(n)).replaceAll(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]!)}`;

/** By name of the file, without its ending. */
export const LOSS_SCALES: Readonly<Record<string, () => string>> = {
  'loss-scale-factor': lossScaleFactor,
  'dynamic-loss-scale': dynamicLossScale,
};
