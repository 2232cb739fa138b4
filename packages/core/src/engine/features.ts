import type { Feature } from '../contract.ts';

/** By name, so that none is forgotten: a record that lacks one does not type-check. */
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

/**
 * Every feature of the contract. `openTensors` has them all. An engine leaves out what it can't do: constraints and the finite check where it
 * reads later only, float64, `pow`.
 */
export const FEATURES: readonly Feature[] = Object.keys(ALL) as Feature[];
