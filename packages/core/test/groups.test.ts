import { CosineDecay, type ParameterGroup, SGD, type SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { f32, expectRefusal } from './helpers.ts';

function train(groups: readonly ParameterGroup[], options: SGDOptions = {}, steps = 1) {
  const variables = { 'enc/w': f32(8), 'enc/b': f32(8), 'head/w': f32(8) };
  const warnings: string[] = [];
  const optimizer = new SGD({ learningRate: 1, ...options }, cpu(), {
    groups,
    onWarning: (text) => warnings.push(text),
  });
  optimizer.build(variables);
  for (let i = 0; i < steps; i++) optimizer.apply([f32(1), f32(1), f32(1)]);
  return { values: Object.values(variables).map((v) => v[0]), optimizer, variables, warnings };
}

describe('groups', () => {
  it('have a rate, momentum and decay of their own', () => {
    expect(train([{ paths: ['head/w'], learningRate: 2 }]).values).toEqual([7, 7, 6]);
    expect(train([{ paths: [/^enc/], learningRateMultiplier: 0.5 }]).values).toEqual([7.5, 7.5, 7]);
    expect(train([{ paths: ['enc/w', 'enc/b'], learningRate: 4, learningRateMultiplier: 0.25 }], {}).values).toEqual([
      7, 7, 7,
    ]);
    expect(train([{ paths: ['enc/b'], weightDecay: null }], { weightDecay: 0.5 }).values).toEqual([3, 7, 3]);
    expect(train([{ paths: ['enc/b'], weightDecay: 0.25 }]).values).toEqual([7, 5, 7]);
    // two steps, momentum 0.5: 1 + 1.5
    expect(train([{ paths: ['head/w'], momentum: 0.5 }], {}, 2).values).toEqual([6, 6, 5.5]);
    expect(train([{ paths: ['head/w'], momentum: 0 }], { momentum: 0.5, nesterov: true }, 2).values).toEqual([
      4.75, 4.75, 6,
    ]);
  });

  it('may follow a schedule or function, asked once per step', () => {
    let asked = 0;
    const schedule = new CosineDecay({ initialLearningRate: 1, decaySteps: 2 });
    const groups = [
      { paths: ['enc/w'], learningRate: schedule },
      { paths: ['enc/b'], learningRate: () => ++asked },
    ];
    expect(train(groups, {}, 2).values).toEqual([6.5, 5, 6]);
    expect(asked).toBe(2);
  });

  it('may be frozen: no step, no warning, and averages go on', async () => {
    const { values, warnings, optimizer, variables } = train(
      [{ paths: [/enc/], frozen: true }],
      { weightDecay: 0.5, useEma: true },
      2,
    );
    expect(values).toEqual([8, 8, 0.5]);
    optimizer.apply({ 'enc/w': null, 'head/w': f32(0) });
    expect(warnings).toEqual([]);
    expect((await optimizer.getState()).slots['enc/w']?.average).toEqual(f32(8));
    expectRefusal(() => optimizer.apply({ 'enc/w': f32(1) }), 'SGD_NO_GRADIENTS');
    expectRefusal(() => optimizer.apply({ 'enc/w': f32(1), 'enc/x': f32(1) }), 'SGD_UNKNOWN_VARIABLE');
    expect(variables['head/w'][0]).toBe(0.25);
  });

  it('do not remember where a regular expression stopped', () => {
    const sticky = /enc/g;
    sticky.lastIndex = 3;
    expect(train([{ paths: [sticky], learningRate: 2 }]).values).toEqual([6, 6, 7]);
    expect(sticky.lastIndex).toBe(3);
  });

  it.each<[unknown, RegExp]>([
    [{}, /groups\[0\]: paths: expected a list of paths or regular expressions, got undefined/],
    [{ paths: [] }, /groups\[0\]: paths/],
    [{ paths: [3] }, /groups\[0\]: paths/],
    [{ paths: ['enc/w', 3] }, /groups\[0\]: paths/],
    [{ paths: 'enc/w' }, /groups\[0\]: paths/],
    [{ paths: ['enc/w'], rate: 1 }, /groups\[0\]: unknown "rate"/],
    [{ paths: ['enc/w'], learningRate: null }, /groups\[0\]: learningRate/],
    [{ paths: ['enc/w'], learningRateMultiplier: '2' }, /learningRateMultiplier/],
    [{ paths: ['enc/w'], momentum: 2 }, /momentum/],
    [{ paths: ['enc/w'], weightDecay: 'x' }, /weightDecay/],
    [{ paths: ['enc/w'], frozen: 1 }, /frozen/],
    [7, /groups\[0\]: expected an object, got 7/],
  ])('%j is refused', (group, message) => {
    expectRefusal(() => train([group as ParameterGroup]), 'SGD_INVALID_OPTION', message);
  });

  it('that overlap, or find nothing, are refused', () => {
    const overlap = [
      { paths: [/w$/], momentum: 0.5 },
      { paths: ['head/w'], momentum: 0.9 },
    ];
    expectRefusal(() => train(overlap), 'SGD_INVALID_OPTION', /groups\[0\] and groups\[1\] both name head\/w/);
    expectRefusal(() => train([{ paths: ['tail'] }]), 'SGD_UNKNOWN_VARIABLE', /groups\[0\]: .*tail/);
    expectRefusal(() => train([{ paths: [/^tail/] }]), 'SGD_UNKNOWN_VARIABLE', /\^tail/);
    expect(train([{ paths: ['enc/w', /enc\/w/], learningRate: 2 }]).values).toEqual([6, 7, 7]);
  });
});

describe('excludeFromWeightDecay', () => {
  const decayed = (what: object): unknown[] => {
    const variables = { 'norm/gamma': f32(8), 'dense/kernel': f32(8), 'dense/bias': f32(8) };
    const optimizer = new SGD({ learningRate: 1, weightDecay: 0.5 }, cpu());
    optimizer.excludeFromWeightDecay({ names: ['kernel'] });
    optimizer.excludeFromWeightDecay(what);
    optimizer.build(variables);
    optimizer.apply([f32(0), f32(0), f32(0)]);
    return Object.values(variables).map((v) => v[0]);
  };

  it('goes by variable, path, or regular expression on the name; the last call holds', () => {
    expect(decayed({})).toEqual([4, 4, 4]);
    expect(decayed({ names: ['bias'] })).toEqual([4, 4, 8]);
    expect(decayed({ names: ['^b', /GAMMA/i] })).toEqual([8, 4, 8]);
    expect(decayed({ names: ['norm', 'dense'] })).toEqual([4, 4, 4]);
    expect(decayed({ names: [''] })).toEqual([8, 8, 8]);
    expect(decayed({ variables: ['dense/kernel'] })).toEqual([4, 8, 4]);
    const variable = f32(8);
    const optimizer = new SGD({ learningRate: 1, weightDecay: 0.5 }, cpu());
    optimizer.excludeFromWeightDecay({ variables: [variable] });
    optimizer.build([variable]);
    optimizer.apply([f32(0)]);
    expect(variable[0]).toBe(8);
  });

  it('expectRefusal what it can not use', () => {
    expectRefusal(() => decayed({ names: 'bias' }), 'SGD_INVALID_OPTION', /names: expected an array, got "bias"/);
    expectRefusal(() => decayed({ names: ['('] }), 'SGD_INVALID_OPTION', /"\(" is no regular expression/);
    expectRefusal(() => decayed({ names: [3] }), 'SGD_INVALID_OPTION', /got 3/);
    expectRefusal(() => decayed({ variables: ['x'] }), 'SGD_UNKNOWN_VARIABLE', /"x"/);
    expectRefusal(() => decayed({ layers: [] }), 'SGD_INVALID_OPTION', /unknown "layers"/);
    expectRefusal(() => decayed(null as never), 'SGD_INVALID_OPTION');
  });
});

describe('measured', () => {
  it('gives the norms of the last updating step', async () => {
    const x = f32(1, 1);
    const optimizer = new SGD({ learningRate: 0.5, clipnorm: 1 }, cpu(), { measure: ['gradient-norm', 'update-norm'] });
    optimizer.build([x]);
    optimizer.apply([f32(3, 4)]);
    const { gradientNorm, updateNorm } = await optimizer.measured();
    expect(gradientNorm).toBe(5);
    expect(updateNorm).toBeCloseTo(0.5, 6);
  });

  it('must be asked for', async () => {
    const optimizer = new SGD({}, cpu());
    optimizer.build([f32(1)]);
    await expect(optimizer.measured()).rejects.toMatchObject({ code: 'SGD_INVALID_OPTION' });
  });
});
