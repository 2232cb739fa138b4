import type { Program } from '@sgd/core';
import * as at from './layout.ts';

const OPTIONS = {
  momentum: at.MOMENTUM,
  average: at.AVERAGE,
  accumulator: at.ACCUMULATE,
  none: 0,
  value: at.CLIP_VALUE,
  norm: at.CLIP_NORM,
  'global-norm': at.CLIP_GLOBAL_NORM,
  'gradient-norm': at.GRADIENT_NORM,
  'update-norm': at.UPDATE_NORM,
};

/** What a program asks of the kernels, in bits. */
export const optionsOf = ({ slots, measure, clip, nesterov, unscale, finiteCheck, variables }: Program): number =>
  [...slots, ...measure, clip].reduce(
    (all, option) => all | OPTIONS[option],
    (nesterov ? at.NESTEROV : 0) |
      (unscale ? at.UNSCALE : 0) |
      (finiteCheck ? at.FINITE : 0) |
      (variables.some((v) => v.decays) ? at.DECAY : 0) |
      (variables.some((v) => !v.decays && !v.overwrites) ? at.SPARE : 0),
  );
