import { SgdError } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../src/settings/fields.ts';
import type { RunSettings } from '../src/settings/model.ts';
import { planOf } from '../src/settings/plan.ts';
import { RUN_SECTIONS } from '../src/settings/run-sections.ts';
import { makeSchedule, schedulePlan } from '../src/settings/schedules.ts';
import { type AnyBackend, makeOptimizer } from '../src/training/optimizer.ts';
import { run, training } from './settings.ts';

/** Settings in which a control is shown, and another value for it. */
const CHANGES: Readonly<Record<Exclude<keyof RunSettings, 'backend'>, [Partial<RunSettings>, unknown]>> = {
  learningRate: [{}, 0.5],
  schedule: [{}, 'constant'],
  decaySteps: [{}, 7],
  firstDecaySteps: [{ schedule: 'CosineDecayRestarts' }, 7],
  alpha: [{}, 0.5],
  warmupTarget: [{}, 0.5],
  warmupSteps: [{ warmupTarget: 0.5 }, 7],
  tMul: [{ schedule: 'CosineDecayRestarts' }, 3],
  mMul: [{ schedule: 'CosineDecayRestarts' }, 0.5],
  decayRate: [{ schedule: 'ExponentialDecay' }, 0.5],
  staircase: [{ schedule: 'InverseTimeDecay' }, true],
  boundaries: [{ schedule: 'PiecewiseConstantDecay' }, [3, 4]],
  values: [{ schedule: 'PiecewiseConstantDecay' }, [3, 2, 1]],
  endLearningRate: [{ schedule: 'PolynomialDecay' }, 0.1],
  power: [{ schedule: 'PolynomialDecay' }, 2],
  cycle: [{ schedule: 'PolynomialDecay' }, true],
  momentum: [{}, 0.5],
  nesterov: [{}, false],
  weightDecay: [{}, null],
  excludeBiases: [{}, true],
  clip: [{}, 'clipnorm'],
  clipLimit: [{ clip: 'clipvalue' }, 2],
  useEma: [{}, true],
  emaMomentum: [{ useEma: true }, 0.5],
  emaOverwriteFrequency: [{ useEma: true }, 7],
  gradientAccumulationSteps: [{}, 2],
  lossScale: [{}, 'dynamic'],
  lossScaleFactor: [{ lossScale: 'static' }, 2],
  initialScale: [{ lossScale: 'dynamic' }, 2],
  dynamicGrowthSteps: [{ lossScale: 'dynamic' }, 7],
  nonFinite: [{}, 'skip'],
  hiddenRate: [{}, 0.5],
  hiddenMomentum: [{}, 0.5],
  hiddenDecay: [{}, 0.5],
  hiddenFrozen: [{}, true],
  outputRate: [{}, 0.5],
  outputMomentum: [{}, 0.5],
  outputDecay: [{}, 0.5],
  outputFrozen: [{}, true],
};
const written = (settings: RunSettings): string =>
  JSON.stringify(planOf(settings, training()), (_, value: unknown) =>
    value instanceof RegExp ? String(value) : value,
  );

describe('the plan of an optimizer', () => {
  it('knows every control', () => {
    expect(Object.keys(CHANGES).sort()).toEqual(
      fieldsOf(RUN_SECTIONS)
        .map(({ key }) => key)
        .sort(),
    );
  });

  it.each(Object.entries(CHANGES))('changes with %s', (key, [around, value]) => {
    const field = fieldsOf(RUN_SECTIONS).find((each) => each.key === key)!;
    const before = run(around);
    const after = run({ ...around, [key]: value });
    expect(field.when?.(before, training()) ?? true).toBe(true);
    expect(written(after)).not.toBe(written(before));
    expect(() => makeOptimizer(planOf(after, training()), cpu() as AnyBackend, () => {})).not.toThrow();
  });

  it('does not change with what is hidden', () => {
    const off = run({
      useEma: false,
      clip: 'none',
      lossScale: 'none',
      weightDecay: null,
      schedule: 'constant',
      momentum: 0,
    });
    const other = run({
      ...off,
      emaMomentum: 0.5,
      clipLimit: 7,
      initialScale: 2,
      excludeBiases: true,
      tMul: 7,
      nesterov: false,
    });
    expect(written(other)).toBe(written(off));
    const { extras } = planOf(run({ hiddenFrozen: true }), training({ model: 'softmax' }));
    expect(extras).toEqual({});
  });

  it('leaves what does not fit together to the optimizer', () => {
    const wrong = run({ schedule: 'PiecewiseConstantDecay', values: [1, 2], boundaries: [1, 2] });
    expect(() => makeSchedule(schedulePlan(wrong, 10)!)).toThrow(SgdError);
  });
});

describe('schedules that are left open', () => {
  const ends = (changed: Partial<RunSettings>): readonly number[] => {
    const schedule = makeSchedule(schedulePlan(run({ learningRate: 0.5, ...changed }), 100)!);
    return [schedule.call(0), schedule.call(100)];
  };

  it.each<[Partial<RunSettings>, readonly number[]]>([
    [{ schedule: 'CosineDecay' }, [0.5, 0]],
    [{ schedule: 'CosineDecay', warmupTarget: 1 }, [0.5, 0]],
    [{ schedule: 'ExponentialDecay' }, [0.5, 0.05]],
    [{ schedule: 'InverseTimeDecay' }, [0.5, 0.05]],
    [{ schedule: 'PiecewiseConstantDecay' }, [0.5, 0.005]],
    [{ schedule: 'PolynomialDecay' }, [0.5, 0.005]],
  ])('fit the training: %o', (changed, expected) => {
    for (const [i, rate] of ends(changed).entries()) expect(rate).toBeCloseTo(expected[i]!, 6);
  });
});
