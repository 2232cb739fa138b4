import type { Kernels } from '../plan.ts';
import * as averages from './averages.ts';
import * as figures from './figures.ts';
import * as gradients from './gradients.ts';
import * as rules from './rules.ts';

/** The stages in float32. */
export const float32: Kernels = {
  ...gradients,
  ...figures,
  plain: [rules.plain],
  momentum: [rules.momentum],
  nesterov: [rules.nesterov],
  plainDecay: [rules.plainDecay],
  momentumDecay: [rules.momentumDecay],
  nesterovDecay: [rules.nesterovDecay],
  average: [averages.average],
  averageOver: [averages.averageOver],
};
