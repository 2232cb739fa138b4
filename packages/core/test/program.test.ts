import { type Feature, nonNegative, type Program, SGD, type SGDOptions, type Extras } from '@sgd/core';
import { sgd } from '@sgd/core/engine';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { expectRefusal, f32 } from './helpers.ts';

/** The program that the engine is given for three variables, the last of them overwriting. */
function programOf(options: SGDOptions, extras: Extras = {}): Program {
  const base = cpu();
  let seen: Program | undefined;
  const backend = { ...base, open: (...args: Parameters<typeof base.open>) => ((seen = args[0]), base.open(...args)) };
  const optimizer = new SGD(options, backend, extras);
  optimizer.excludeFromWeightDecay({ names: ['^bias$'] });
  optimizer.build(
    { 'a/kernel': { data: f32(1, 2), shape: [1, 2] }, 'a/bias': f32(1), count: f32(1) },
    { overwriteWithGradient: ['count'], constraints: { 'a/kernel': nonNegative, count: nonNegative } },
  );
  return seen as Program;
}

describe('the program', () => {
  it('of no options is plain', () => {
    expect(programOf({})).toEqual({
      rule: sgd,
      configs: [{ momentum: 0, nesterov: false }],
      slots: [],
      accumulates: false,
      averages: false,
      unscale: false,
      clip: 'none',
      finiteCheck: false,
      measure: new Set(),
      variables: [
        {
          path: 'a/kernel',
          shape: [1, 2],
          dtype: 'float32',
          group: 0,
          decays: false,
          overwrites: false,
          constraint: expect.any(Function),
        },
        { path: 'a/bias', shape: [1], dtype: 'float32', group: 0, decays: false, overwrites: false, constraint: null },
        { path: 'count', shape: [1], dtype: 'float32', group: 0, decays: false, overwrites: true, constraint: null },
      ],
    });
  });

  it('of all options', () => {
    const options = {
      momentum: 0.5,
      nesterov: true,
      gradientAccumulationSteps: 2,
      useEma: true,
      lossScaleFactor: 0,
      weightDecay: 0,
    };
    const program = programOf(options, { nonFinite: 'throw', measure: ['update-norm'] });
    expect(program).toMatchObject({ unscale: true, finiteCheck: true, accumulates: true, averages: true });
    expect(program.configs).toEqual([{ momentum: 0.5, nesterov: true }]);
    expect(program.slots).toEqual([{ name: 'momentum', initial: 0 }]);
    expect(program.measure).toEqual(new Set(['update-norm']));
    expect(program.variables.map((v) => v.decays)).toEqual([true, false, false]);
  });

  it('knows frozen variables by no group and no decay', () => {
    const groups = [
      { paths: ['a/kernel'], frozen: true },
      { paths: ['a/bias'], momentum: 0.5 },
    ];
    const program = programOf({ weightDecay: 0.1 }, { groups });
    expect(program.variables.map((v) => [v.group, v.decays])).toEqual([
      [0, false],
      [2, false],
      [0, false],
    ]);
    expect(program.slots).toEqual([{ name: 'momentum', initial: 0 }]);
  });

  it('has the clip that is above 0', () => {
    expect(programOf({ clipnorm: 1 }).clip).toBe('norm');
    expect(programOf({ globalClipnorm: 1 }).clip).toBe('global-norm');
    expect(programOf({ clipvalue: 1 }).clip).toBe('value');
    expect(programOf({ clipvalue: -1 }).clip).toBe('none');
    expect(programOf({ clipnorm: Number.NaN }).clip).toBe('none');
  });

  it('needs a feature as soon as one variable does', () => {
    const lacking = (...features: Feature[]) => {
      const backend = cpu();
      return { ...backend, supports: new Set([...backend.supports].filter((f) => !features.includes(f))) };
    };
    const build =
      (options: SGDOptions, features: Feature[], extras: Extras = {}) =>
      () => {
        const optimizer = new SGD(options, lacking(...features), extras);
        optimizer.excludeFromWeightDecay({ variables: ['a'] });
        optimizer.build(
          { a: f32(1), b: new Float64Array(1), o: f32(1) },
          { constraints: { b: nonNegative }, overwriteWithGradient: ['o'] },
        );
      };
    const both = /does not have overwrite, float64, which the options need/;
    expectRefusal(build({}, ['overwrite', 'float64']), 'SGD_UNSUPPORTED', both);
    expectRefusal(build({ weightDecay: 1 }, ['weight-decay']), 'SGD_UNSUPPORTED', /weight-decay/);
    expectRefusal(build({}, ['constraint']), 'SGD_UNSUPPORTED', /constraint/);
    expectRefusal(build({}, ['groups'], { groups: [{ paths: ['b'], momentum: 0 }] }), 'SGD_UNSUPPORTED', /groups/);
  });
});
