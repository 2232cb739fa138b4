import type { SGDOptions } from '@sgd/core';

/** A set of options to be timed, with what a step has to move through memory, in bytes per element. */
export interface OptionSet {
  readonly name: string;
  readonly options: SGDOptions;
  /** Averaged over accumulating and updating steps: the least that can be read and written, scratch space not counted. */
  readonly bytes: number;
}

const learningRate = 0.01;
const momentum = { learningRate, momentum: 0.9 };
const nesterov = { ...momentum, nesterov: true, weightDecay: 1e-4 };
const ACCUMULATE = 4;

export const OPTION_SETS: readonly OptionSet[] = [
  { name: 'plain', options: { learningRate }, bytes: 12 },
  { name: 'momentum', options: momentum, bytes: 20 },
  { name: 'nesterov+decay', options: nesterov, bytes: 20 },
  { name: 'nesterov+decay+clip', options: { ...nesterov, globalClipnorm: 1 }, bytes: 24 },
  { name: 'nesterov+decay+ema', options: { ...nesterov, useEma: true }, bytes: 28 },
  // accumulating: g, v in, v out; updating: g, v, x, m in, v, x, m out
  {
    name: 'nesterov+decay+accumulation',
    options: { ...nesterov, gradientAccumulationSteps: ACCUMULATE },
    bytes: (3 * 12 + 28) / 4,
  },
  {
    name: 'all',
    options: {
      ...nesterov,
      globalClipnorm: 1,
      useEma: true,
      gradientAccumulationSteps: ACCUMULATE,
      lossScaleFactor: 1000,
    },
    // the average moves in accumulating steps too: x, a in, a out; the norm reads g and v once more
    bytes: (3 * (12 + 12) + 28 + 8 + 8) / 4,
  },
];
