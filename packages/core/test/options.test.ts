import { LossScaleOptimizer, SGD, type Extras, type SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { f32, expectRefusal } from './helpers.ts';

const make = (options: unknown, extras?: unknown): SGD<unknown> =>
  new SGD(options as SGDOptions, cpu(), extras as Extras) as SGD<unknown>;

describe('options', () => {
  it('have the defaults of Keras, in its order', () => {
    const config = make({}).getConfig();
    expect(Object.entries(config)).toEqual([
      ['name', 'sgd'],
      ['learningRate', Math.fround(0.01)],
      ['weightDecay', null],
      ['clipnorm', null],
      ['globalClipnorm', null],
      ['clipvalue', null],
      ['useEma', false],
      ['emaMomentum', 0.99],
      ['emaOverwriteFrequency', null],
      ['lossScaleFactor', null],
      ['gradientAccumulationSteps', null],
      ['momentum', 0],
      ['nesterov', false],
    ]);
  });

  it.each<[unknown, RegExp]>([
    [{ learningRate: '0.1' }, /learningRate: expected a number, a schedule or a function, got "0.1"/],
    [{ learningRate: null }, /learningRate.*got null/],
    [{ learningRate: {} }, /learningRate.*got Object/],
    [{ learningRate: true }, /learningRate.*got true/],
    [{ momentum: -0.01 }, /momentum: expected a number from 0 to 1, got -0.01/],
    [{ momentum: 1.001 }, /momentum.*1.001/],
    [{ momentum: null }, /momentum.*null/],
    [{ momentum: '0.9' }, /momentum.*"0.9"/],
    [{ nesterov: 1 }, /nesterov: expected a boolean, got 1/],
    [{ weightDecay: '1' }, /weightDecay: expected a number or null/],
    [{ clipnorm: '1' }, /clipnorm: expected a number or null/],
    [{ clipvalue: [] }, /clipvalue.*Array of 0/],
    [{ globalClipnorm: f32(1, 2) }, /globalClipnorm.*Float32Array of 2/],
    [{ clipnorm: 1, clipvalue: 1 }, /at most one of clipnorm, globalClipnorm, clipvalue, got "clipnorm and clipvalue"/],
    [{ clipnorm: 0, globalClipnorm: 2 }, /at most one/],
    [{ useEma: 1 }, /useEma: expected a boolean/],
    [{ useEma: true, emaMomentum: 1.01 }, /emaMomentum: expected a number from 0 to 1/],
    [{ useEma: true, emaMomentum: -0.01 }, /emaMomentum/],
    [{ emaMomentum: null }, /emaMomentum: expected a number, got null/],
    [
      { useEma: true, emaOverwriteFrequency: -1 },
      /emaOverwriteFrequency: expected null, 0 or an integer of at least 1/,
    ],
    [{ useEma: true, emaOverwriteFrequency: 1.5 }, /emaOverwriteFrequency/],
    [{ useEma: true, emaOverwriteFrequency: Number.NaN }, /emaOverwriteFrequency/],
    [{ emaOverwriteFrequency: '1' }, /emaOverwriteFrequency: expected a number or null/],
    [{ lossScaleFactor: 'big' }, /lossScaleFactor/],
    [
      { gradientAccumulationSteps: 1 },
      /gradientAccumulationSteps: expected null, 0 or an integer of at least 2, got 1/,
    ],
    [{ gradientAccumulationSteps: 2.5 }, /gradientAccumulationSteps/],
    [{ gradientAccumulationSteps: Number.POSITIVE_INFINITY }, /gradientAccumulationSteps.*Infinity/],
    [{ name: 'a/b' }, /name: expected a string without "\/", got "a\/b"/],
    [{ name: 3 }, /name/],
    [{ foo: 1 }, /options: unknown "foo"; expected one of name, learningRate, weightDecay, .*, nesterov$/],
    [{ weight_decay: 1 }, /unknown "weight_decay"; did you mean weightDecay\?/],
    [{ clipNorm: 1 }, /did you mean clipnorm\?/],
    [null, /options: expected an object, got null/],
    [[], /options: expected an object, got Array of 0/],
    [JSON.parse('{"__proto__": {"momentum": 5}}'), /unknown "__proto__"/],
  ])('%j is refused', (options, message) => {
    expectRefusal(() => make(options), 'SGD_INVALID_OPTION', message);
  });

  it('says no more than a line of a long value', () => {
    const { message } = expectRefusal(() => make({ name: `${'x'.repeat(1e7)}/` }), 'SGD_INVALID_OPTION');
    expect(message.length).toBeLessThan(200);
    expect(expectRefusal(() => make({ ['k'.repeat(1e7)]: 1 }), 'SGD_INVALID_OPTION').message.length).toBeLessThan(500);
  });

  it.each<unknown>([
    { momentum: 1 },
    { momentum: Number.NaN },
    { clipnorm: -1 },
    { clipvalue: -1 },
    { weightDecay: -0.1 },
    { lossScaleFactor: 0 },
    { useEma: false, emaMomentum: 7, emaOverwriteFrequency: -3 },
    { useEma: true, emaMomentum: Number.NaN },
    { useEma: true, emaOverwriteFrequency: 0 },
    { gradientAccumulationSteps: 0 },
    { learningRate: Number.NaN, name: null },
    { learningRate: undefined, weightDecay: undefined },
    { decay: null },
  ])('%j is taken, as in Keras', (options) => {
    expect(make(options).built).toBe(false);
  });

  it('drops the legacy option decay with a warning', () => {
    const warnings: unknown[] = [];
    const optimizer = make(
      { decay: 0.1 },
      { onWarning: (text: string, details: unknown) => warnings.push([text, details]) },
    );
    expect(warnings).toEqual([[expect.stringContaining('"decay"'), { code: 'SGD_DEPRECATED_OPTION', paths: [] }]]);
    expect(optimizer.getConfig()).not.toHaveProperty('decay');
    const never = (): never => expect.unreachable();
    expect(make({ decay: null }, { onWarning: never }).built).toBe(false);
  });

  it('need a backend of contract 2', () => {
    expectRefusal(
      () => new SGD({}, undefined as never),
      'SGD_CONTRACT',
      /^the second argument: expected .*cpu\(\).*did you mean @sgd\/tfjs\?/,
    );
    expectRefusal(() => new SGD({}, { ...cpu(), contract: 1 } as never), 'SGD_CONTRACT', /contract 2 .*got 1/);
    expectRefusal(() => new SGD({}, {} as never), 'SGD_CONTRACT');
  });
});

describe('extras', () => {
  it.each<[unknown, RegExp]>([
    [{ nonFinite: 'drop' }, /nonFinite: expected "keras", "skip" or "throw", got "drop"/],
    [{ measure: ['loss'] }, /measure/],
    [{ measure: 'gradient-norm' }, /measure/],
    [{ onWarning: 'log' }, /onWarning: expected a function/],
    [{ groups: {} }, /groups: expected an array/],
    [{ other: 1 }, /extras: unknown "other"/],
    [3, /extras: expected an object, got 3/],
  ])('%j is refused', (extras, message) => {
    expectRefusal(() => make({}, extras), 'SGD_INVALID_OPTION', message);
  });
});

describe('LossScaleOptimizer options', () => {
  const wrap = (options?: unknown): LossScaleOptimizer<unknown> => new LossScaleOptimizer(make({}), options as object);

  it('have the defaults of Keras', () => {
    const inner = make({});
    const config = new LossScaleOptimizer(inner).getConfig();
    expect(config).toEqual({
      name: 'loss_scale_optimizer',
      innerOptimizer: inner,
      initialScale: 32768,
      dynamicGrowthSteps: 2000,
    });
    expect(config.innerOptimizer).toBe(inner);
    expect(wrap({ name: null }).name).toBe('loss_scale_optimizer');
    expect(wrap({ dynamic: true, emaMomentum: 0.99, weightDecay: null, useEma: false }).name).toBe(
      'loss_scale_optimizer',
    );
  });

  it.each<unknown>([
    { dynamic: false },
    { foo: 1 },
    { weightDecay: 0.1 },
    { emaMomentum: 0.5 },
    { gradientAccumulationSteps: 2 },
    { learningRate: 0.1 },
    { initialScale: '1' },
    { dynamicGrowthSteps: null },
    { name: 'a/b' },
  ])('%j is refused', (options) => {
    expectRefusal(() => wrap(options), 'SGD_INVALID_OPTION');
  });

  it('expectRefusal what it can not wrap', () => {
    expectRefusal(
      () => new LossScaleOptimizer({} as never),
      'SGD_INVALID_OPTION',
      /an optimizer such as SGD, got Object/,
    );
    expectRefusal(
      () => new LossScaleOptimizer(make({ lossScaleFactor: 2 })),
      'SGD_INVALID_OPTION',
      /lossScaleFactor.*got 2/,
    );
    expectRefusal(
      () => new LossScaleOptimizer(make({}, { nonFinite: 'skip' })),
      'SGD_INVALID_OPTION',
      /nonFinite.*"skip"/,
    );
    const built = new SGD({}, cpu());
    built.build([f32(1)]);
    expectRefusal(() => new LossScaleOptimizer(built), 'SGD_ALREADY_BUILT');
    const inner = make({});
    const wrapper = new LossScaleOptimizer(inner);
    expectRefusal(() => new LossScaleOptimizer(inner), 'SGD_UNSUPPORTED', /inside another LossScaleOptimizer/);
    expect(wrapper.inner).toBe(inner);
  });
});
