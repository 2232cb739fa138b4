import type { Feature } from '@sgd/core';
import type { SerializedObject, TrajectoryCase } from '../goldens/format.ts';

const isOn = (limit: unknown): boolean => typeof limit === 'number' && limit > 0;

/** The features of the contract that a case needs. */
export function needsOf(test: TrajectoryCase): Feature[] {
  const needs = new Set<Feature>();
  const inner = test.optimizer.config.inner_optimizer as SerializedObject | undefined;
  const config = (inner ?? test.optimizer).config;
  if (inner) needs.add('finite-check');
  if (config.weight_decay !== undefined && config.weight_decay !== null && someDecay(test)) needs.add('weight-decay');
  if (config.gradient_accumulation_steps) needs.add('accumulation');
  if (config.use_ema) needs.add('average');
  if (isOn(config.clipnorm)) needs.add('clip-norm');
  else if (isOn(config.global_clipnorm)) needs.add('clip-global-norm');
  else if (isOn(config.clipvalue)) needs.add('clip-value');
  for (const { overwriteWithGradient, constraint } of test.variables) {
    if (overwriteWithGradient) needs.add('overwrite');
    else if (constraint) needs.add('constraint');
  }
  if (test.dtype === 'float64') needs.add('float64');
  return [...needs];
}

function someDecay({ variables, excludeFromWeightDecay }: TrajectoryCase): boolean {
  const { varNames = [], varList = [] } = excludeFromWeightDecay ?? {};
  const patterns = varNames.map((source) => new RegExp(source));
  return variables.some(
    ({ name, overwriteWithGradient }, index) =>
      !overwriteWithGradient && !varList.includes(index) && !patterns.some((pattern) => pattern.test(name)),
  );
}
