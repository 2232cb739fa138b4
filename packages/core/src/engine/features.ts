import type { Feature } from '../contract.ts';

const ALL: Readonly<Record<Feature, true>> = {
  'weight-decay': true,
  accumulation: true,
  average: true,
  'finite-check': true,
  'clip-value': true,
  'clip-norm': true,
  'clip-global-norm': true,
  groups: true,
  measure: true,
  overwrite: true,
  constraint: true,
  float64: true,
  pow: true,
  sum: true,
};

/** Every feature of the contract: for an engine that has them all, or to leave some out. */
export const FEATURES: ReadonlySet<Feature> = new Set(Object.keys(ALL) as Feature[]);
