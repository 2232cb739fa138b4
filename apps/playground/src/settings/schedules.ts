import {
  CosineDecay,
  type CosineDecayOptions,
  CosineDecayRestarts,
  type CosineDecayRestartsOptions,
  type DecayOptions,
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  type PiecewiseConstantDecayOptions,
  PolynomialDecay,
  type PolynomialDecayOptions,
  type Schedule,
} from '@sgd/core';
import type { RunSettings } from './model.ts';

interface ScheduleOptions {
  readonly CosineDecay: CosineDecayOptions;
  readonly CosineDecayRestarts: CosineDecayRestartsOptions;
  readonly ExponentialDecay: DecayOptions;
  readonly InverseTimeDecay: DecayOptions;
  readonly PiecewiseConstantDecay: PiecewiseConstantDecayOptions;
  readonly PolynomialDecay: PolynomialDecayOptions;
}

/** A schedule by its class and options, in plain values. */
export type SchedulePlan = {
  [Name in keyof ScheduleOptions]: { readonly className: Name; readonly options: ScheduleOptions[Name] };
}[keyof ScheduleOptions];

/** @throws SgdError `SGD_INVALID_OPTION`: options that do not fit, such as boundaries and values of different lengths */
export function makeSchedule(plan: SchedulePlan): Schedule {
  switch (plan.className) {
    case 'CosineDecay':
      return new CosineDecay(plan.options);
    case 'CosineDecayRestarts':
      return new CosineDecayRestarts(plan.options);
    case 'ExponentialDecay':
      return new ExponentialDecay(plan.options);
    case 'InverseTimeDecay':
      return new InverseTimeDecay(plan.options);
    case 'PiecewiseConstantDecay':
      return new PiecewiseConstantDecay(plan.options);
    case 'PolynomialDecay':
      return new PolynomialDecay(plan.options);
  }
}

/** The schedule that the settings ask for, fitted to so many batches where they leave it open; `null`: the rate stays. */
export function schedulePlan(settings: RunSettings, steps: number): SchedulePlan | null {
  switch (settings.schedule) {
    case 'constant':
      return null;
    case 'CosineDecay':
      return { className: 'CosineDecay', options: cosine(settings, steps) };
    case 'CosineDecayRestarts':
      return { className: 'CosineDecayRestarts', options: restarts(settings, steps) };
    case 'ExponentialDecay':
      return { className: 'ExponentialDecay', options: decay(settings, steps, 0.1) };
    case 'InverseTimeDecay':
      return { className: 'InverseTimeDecay', options: decay(settings, steps, 9) };
    case 'PiecewiseConstantDecay':
      return { className: 'PiecewiseConstantDecay', options: piecewise(settings, steps) };
    case 'PolynomialDecay':
      return { className: 'PolynomialDecay', options: polynomial(settings, steps) };
  }
}

/** After a warm-up the decay has what is left of the training. */
function cosine(settings: RunSettings, steps: number): CosineDecayOptions {
  const { learningRate: initialLearningRate, warmupTarget, decaySteps, alpha } = settings;
  const end = alpha === 0 ? {} : { alpha };
  if (warmupTarget === null) return { initialLearningRate, decaySteps: decaySteps ?? steps, ...end };
  const warmupSteps = settings.warmupSteps ?? Math.ceil(steps / 10);
  const left = Math.max(1, steps - warmupSteps);
  return { initialLearningRate, decaySteps: decaySteps ?? left, warmupTarget, warmupSteps, ...end };
}

function restarts({ learningRate, firstDecaySteps, tMul, mMul, alpha }: RunSettings, steps: number) {
  return {
    initialLearningRate: learningRate,
    firstDecaySteps: firstDecaySteps ?? Math.ceil(steps / 3),
    ...(tMul !== 2 && { tMul }),
    ...(mMul !== 1 && { mMul }),
    ...(alpha !== 0 && { alpha }),
  };
}

/** `toATenth`: the rate of decay that ends at a tenth. */
function decay(settings: RunSettings, steps: number, toATenth: number): DecayOptions {
  return {
    initialLearningRate: settings.learningRate,
    decaySteps: settings.decaySteps ?? steps,
    decayRate: settings.decayRate ?? toATenth,
    ...(settings.staircase && { staircase: true }),
  };
}

function piecewise({ boundaries, values, learningRate }: RunSettings, steps: number): PiecewiseConstantDecayOptions {
  return {
    boundaries: boundaries ?? [Math.floor(steps / 2), Math.floor((3 * steps) / 4)],
    values: values ?? [learningRate, learningRate / 10, learningRate / 100],
  };
}

function polynomial(settings: RunSettings, steps: number): PolynomialDecayOptions {
  const { learningRate, decaySteps, endLearningRate, power, cycle } = settings;
  return {
    initialLearningRate: learningRate,
    decaySteps: decaySteps ?? steps,
    endLearningRate: endLearningRate ?? learningRate / 100,
    ...(power !== 1 && { power }),
    ...(cycle && { cycle }),
  };
}
