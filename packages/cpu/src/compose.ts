import type { Program, ProgramVariable } from '@sgd/core';
import type { Kernels, List } from './plan.ts';
import * as stages from './stages.ts';

/**
 * What is run for a variable; everything that does not change from step to step is decided here. Lists `[0]` and `[1]`: without a
 * gradient in the step, if it accumulates and if it updates; `[2]` and `[3]`: with a gradient; `[4]`: before anything is written;
 * `[5]`: in place of that when its norm is wanted, stages that end in the squares to be summed, or none; an element that is not finite
 * makes their sum so.
 */
export function compose(
  { slots, clip, measure, unscale, finiteCheck, nesterov }: Program,
  { decays, overwrites }: ProgramVariable,
  [decay, plain, momentum, nesterovs, averages]: Kernels,
): readonly List[] {
  const accumulates = slots.has('accumulator');
  const alone = clip === 'norm';
  const global = clip === 'global-norm';
  const moves = measure.has('update-norm');
  const average = slots.has('average') && !overwrites ? [averages, stages.assign] : [];
  const scaled = unscale && stages.unscale;
  const gradient = [scaled, accumulates && stages.add, accumulates && stages.mean];
  const reset = accumulates && stages.reset;
  const finite = finiteCheck && stages.finite;
  const all = [
    average,
    [reset, ...average],
    overwrites ? [stages.largest] : [scaled, stages.accumulate, ...average],
    overwrites
      ? [accumulates ? stages.largest : stages.overwrite, accumulates && stages.take, reset]
      : [
          ...gradient,
          reset,
          measure.has('gradient-norm') && stages.gradientNorm,
          clip === 'value' && stages.clipValue,
          alone && stages.timesLimit,
          alone && stages.overNorm,
          global && stages.timesFactor,
          moves && stages.before,
          decays && decay,
          slots.has('momentum') ? (nesterov ? nesterovs : momentum) : plain,
          moves && stages.updateNorm,
          ...average,
        ],
    [finite],
    !overwrites && (alone || global) ? [...gradient, stages.square] : [],
  ];
  return all.map((list) => list.filter((stage) => stage !== false));
}
