import type { Extras, LossScaleOptions, ParameterGroup, SGDOptions } from '@sgd/core';
import { type RunSettings, stepCount, type TrainingSettings } from './model.ts';
import { type SchedulePlan, schedulePlan } from './schedules.ts';

/** An optimizer in plain values: the worker makes it of them, and the code to copy says them. Defaults are left out. */
export interface OptimizerPlan {
  readonly schedule: SchedulePlan | null;
  /** Without the learning rate where there is a schedule. */
  readonly options: SGDOptions;
  readonly extras: Extras;
  /** Regular expressions for `excludeFromWeightDecay`. */
  readonly excluded: readonly string[];
  /** Of a dynamic loss scale. */
  readonly lossScale: LossScaleOptions | null;
}

/** What the settings ask for, schedules fitted to the length of the training. */
export function planOf(settings: RunSettings, training: TrainingSettings): OptimizerPlan {
  const { learningRate, nonFinite, lossScale, initialScale, dynamicGrowthSteps } = settings;
  const schedule = schedulePlan(settings, stepCount(training));
  const groups = groupsOf(settings, training);
  const dynamic = lossScale === 'dynamic';
  return {
    schedule,
    options: { ...(schedule === null && { learningRate }), ...optionsOf(settings) },
    extras: {
      ...(groups.length > 0 && { groups }),
      ...(nonFinite !== 'keras' && !dynamic && { nonFinite }),
    },
    excluded: settings.weightDecay !== null && settings.excludeBiases ? ['bias'] : [],
    lossScale: dynamic ? { initialScale, dynamicGrowthSteps } : null,
  };
}

function optionsOf(settings: RunSettings): SGDOptions {
  const { momentum, nesterov, weightDecay, clip, clipLimit, useEma, emaMomentum, emaOverwriteFrequency } = settings;
  const { gradientAccumulationSteps, lossScale, lossScaleFactor } = settings;
  return {
    ...(momentum !== 0 && { momentum }),
    ...(momentum !== 0 && nesterov && { nesterov }),
    ...(weightDecay !== null && { weightDecay }),
    ...(clip !== 'none' && { [clip]: clipLimit }),
    ...(useEma && { useEma, emaMomentum }),
    ...(useEma && emaOverwriteFrequency !== null && { emaOverwriteFrequency }),
    ...(gradientAccumulationSteps !== null && { gradientAccumulationSteps }),
    ...(lossScale === 'static' && { lossScaleFactor }),
  };
}

/** A group for each layer that has something of its own. */
function groupsOf(settings: RunSettings, { model }: TrainingSettings): ParameterGroup[] {
  const layers = model === 'mlp' ? (['hidden', 'output'] as const) : (['output'] as const);
  return layers.flatMap((layer) => {
    const rate = settings[`${layer}Rate`];
    const momentum = settings[`${layer}Momentum`];
    const weightDecay = settings[`${layer}Decay`];
    const own = settings[`${layer}Frozen`]
      ? { frozen: true }
      : {
          ...(rate !== 1 && { learningRateMultiplier: rate }),
          ...(momentum !== null && { momentum }),
          ...(weightDecay !== null && { weightDecay }),
        };
    return Object.keys(own).length === 0 ? [] : [{ paths: [new RegExp(`^${layer}/`)], ...own }];
  });
}
