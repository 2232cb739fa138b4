import { type Extras, LossScaleOptimizer, SGD, type SGDOptions } from '@sgd/core';
import type { AnyBackend } from './backend.ts';
import type { Options } from './options.ts';
import { createSchedule } from './schedule.ts';

/** An optimizer of this app: SGD, or SGD with a dynamic loss scale around it. */
export type AnyOptimizer = SGD<unknown> | LossScaleOptimizer<unknown>;

/**
 * Makes the optimizer that the options ask for. `steps` is how many batches there will be: schedules fit themselves to it.
 *
 * @throws SgdError when an option does not fit, or the backend does not have what it needs
 */
export function createOptimizer(
  options: Options,
  backend: AnyBackend,
  steps: number,
  warn: (message: string) => void,
): AnyOptimizer {
  const extras: Extras = {
    nonFinite: options.nonFinite,
    onWarning: warn,
    ...(options.groups && { groups: options.groups as NonNullable<Extras['groups']> }),
    ...(measuresNorm(options, backend) && { measure: ['gradient-norm'] as const }),
  };
  const sgd = new SGD(sgdOptions(options, steps), backend, extras);
  if (options.excludeFromWeightDecay !== null) sgd.excludeFromWeightDecay({ names: [options.excludeFromWeightDecay] });
  if (options.dynamicLossScale === null) return sgd;
  const { dynamicLossScale: initialScale, dynamicGrowthSteps } = options;
  return new LossScaleOptimizer(sgd, { initialScale, dynamicGrowthSteps });
}

/** Whether the norm of the gradients is taken at each step. */
export function measuresNorm({ gradientNorm }: Options, backend: AnyBackend): boolean {
  return gradientNorm && backend.supports.has('measure');
}

function sgdOptions(options: Options, steps: number): SGDOptions {
  return {
    learningRate: createSchedule(options, steps) ?? options.learningRate,
    momentum: options.momentum,
    nesterov: options.nesterov,
    weightDecay: options.weightDecay,
    clipnorm: options.clipnorm,
    clipvalue: options.clipvalue,
    globalClipnorm: options.globalClipnorm,
    useEma: options.useEma,
    emaMomentum: options.emaMomentum,
    emaOverwriteFrequency: options.emaOverwriteFrequency,
    lossScaleFactor: options.lossScaleFactor,
    gradientAccumulationSteps: options.gradientAccumulationSteps,
    ...(options.name !== null && { name: options.name }),
  };
}
