import {
  CosineDecay,
  CosineDecayRestarts,
  deserialize,
  deserializeSchedule,
  ExponentialDecay,
  InverseTimeDecay,
  LossScaleOptimizer,
  PiecewiseConstantDecay,
  PolynomialDecay,
  type Schedule,
  SGD,
  serialize,
} from '@sgd/core';
import { cpu } from '@sgd/cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectRefusal } from './helpers.ts';

const SCHEDULES: Schedule[] = [
  new ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.9, staircase: true }),
  new InverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.9 }),
  new PiecewiseConstantDecay({ boundaries: [5, 10], values: [1, 0.5, 0.25] }),
  new PolynomialDecay({ initialLearningRate: 0.1, decaySteps: 10, cycle: true }),
  new CosineDecay({ initialLearningRate: 0, decaySteps: 10, warmupTarget: 0.1, warmupSteps: 3 }),
  new CosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 10, name: 'mine' }),
];

describe('serialize and deserialize', () => {
  it.each(SCHEDULES.map((s) => [s.className, s] as const))('%s there and back', (_, schedule) => {
    const json = serialize(schedule);
    const back = deserializeSchedule(JSON.parse(JSON.stringify(json)));
    expect(back.constructor).toBe(schedule.constructor);
    expect(serialize(back)).toEqual(json);
    expect([0, 3, 11].map((s) => back.call(s))).toEqual([0, 3, 11].map((s) => schedule.call(s)));
  });

  it('gives the names and order of Keras', () => {
    const schedule = serialize(SCHEDULES[4] as Schedule);
    expect(JSON.stringify(schedule)).toBe(
      '{"module":"keras.optimizers.schedules","class_name":"CosineDecay","config":{"initial_learning_rate":0,"decay_steps":10,"alpha":0,"name":"CosineDecay","warmup_target":0.1,"warmup_steps":3},"registered_name":null}',
    );
    expect((SCHEDULES[2] as Schedule).getConfig()).toEqual({
      boundaries: [5, 10],
      values: [1, 0.5, 0.25],
      name: 'PiecewiseConstant',
    });
    expect(new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 2 }).getConfig()).toEqual({
      initialLearningRate: 1,
      firstDecaySteps: 2,
      tMul: 2,
      mMul: 1,
      alpha: 0,
      name: 'SGDRDecay',
    });
    expect(serialize(new LossScaleOptimizer(new SGD({ learningRate: SCHEDULES[2] as Schedule }, cpu())))).toMatchObject(
      {
        module: 'keras.optimizers',
        class_name: 'LossScaleOptimizer',
        config: {
          inner_optimizer: {
            module: 'keras.optimizers',
            class_name: 'SGD',
            config: { learning_rate: { class_name: 'PiecewiseConstantDecay' } },
          },
        },
      },
    );
  });

  it('is the identity for any options', () => {
    const maybe = (arb: fc.Arbitrary<unknown>) => fc.option(arb, { nil: null });
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    const options = fc.record({
      learningRate: fc.oneof(fc.float({ noNaN: true }), fc.constantFrom(...SCHEDULES)),
      momentum: fc.double({ min: 0, max: 1, noNaN: true }),
      nesterov: fc.boolean(),
      weightDecay: maybe(finite),
      useEma: fc.boolean(),
      emaMomentum: fc.double({ min: 0, max: 1, noNaN: true }),
      emaOverwriteFrequency: maybe(fc.nat(100)),
      lossScaleFactor: maybe(finite),
      gradientAccumulationSteps: maybe(fc.constantFrom(0, 2, 3, 8)),
      clipnorm: maybe(finite),
      name: fc.constantFrom('sgd', 'other', ''),
    });
    fc.assert(
      fc.property(options, fc.boolean(), (given, wrap) => {
        const sgd = new SGD({ ...given, ...(wrap && { lossScaleFactor: null }) } as object, cpu());
        const optimizer = wrap ? new LossScaleOptimizer(sgd, { initialScale: 8 }) : sgd;
        const json = serialize(optimizer);
        const back = deserialize(json, cpu());
        expect(serialize(back)).toEqual(json);
        const { className: _, ...config } = { className: '', ...sgd.getConfig() };
        expect(SGD.fromConfig(config, cpu()).getConfig()).toEqual(config);
      }),
      { numRuns: 1000 },
    );
  });

  it('copies a LossScaleOptimizer from its config, and leaves the one it came from alone', () => {
    const inner = new SGD({ momentum: 0.9, learningRate: SCHEDULES[0] as Schedule, name: 'mine' }, cpu());
    const first = new LossScaleOptimizer(inner, { initialScale: 8, dynamicGrowthSteps: 3, name: 'scaler' });
    const second = LossScaleOptimizer.fromConfig(first.getConfig(), cpu());
    expect(serialize(second)).toEqual(serialize(first));
    expect(second.inner).not.toBe(first.inner);
    const [a, b] = [Float32Array.of(1), Float32Array.of(1)];
    first.build([a]);
    second.build([b]);
    first.apply([Float32Array.of(8)]);
    second.apply([Float32Array.of(8)]);
    expect(b).toEqual(a);
    expect(a[0]).toBeLessThan(1);
    const fromOptions = LossScaleOptimizer.fromConfig({ innerOptimizer: { momentum: 0.5 } }, cpu());
    expect(fromOptions.inner.getConfig()).toMatchObject({ momentum: 0.5 });
    expect(fromOptions.getConfig().initialScale).toBe(32768);
    const dropping = { nonFinite: 'skip' } as const;
    expectRefusal(
      () => LossScaleOptimizer.fromConfig({ innerOptimizer: inner }, cpu(), dropping),
      'SGD_INVALID_OPTION',
      /nonFinite of the optimizer to wrap/,
    );
  });

  it.each<[unknown, RegExp]>([
    [null, /LossScaleOptimizer: config: expected an object, got null/],
    [{}, /LossScaleOptimizer: innerOptimizer: expected an optimizer or options of SGD, got undefined/],
    [{ innerOptimizer: 'sgd' }, /innerOptimizer: expected an optimizer or options of SGD, got "sgd"/],
    [{ innerOptimizer: {}, foo: 1 }, /LossScaleOptimizer: unknown "foo"/],
    [{ innerOptimizer: { lossScaleFactor: 2 } }, /lossScaleFactor of the optimizer to wrap: expected null/],
    [{ innerOptimizer: { momentum: 2 } }, /momentum/],
  ])('refuses %s as the config of a LossScaleOptimizer', (config, message) => {
    expectRefusal(() => LossScaleOptimizer.fromConfig(config as never, cpu()), 'SGD_INVALID_OPTION', message);
  });

  it('reads names, null, and any case, and leaves what it reads alone', () => {
    expect(deserialize(null, cpu())).toBeNull();
    expect(deserialize('sGd', cpu())).toBeInstanceOf(SGD);
    expect(deserialize({ class_name: 'sgd' }, cpu())).toBeInstanceOf(SGD);
    const json = serialize(new LossScaleOptimizer(new SGD({ learningRate: SCHEDULES[0] as Schedule }, cpu())));
    const before = structuredClone(json);
    expect(deserialize(json, cpu())).toBeInstanceOf(LossScaleOptimizer);
    expect(json).toEqual(before);
  });

  it('drops the loss scale of an optimizer inside a wrapper, with a warning', () => {
    const inner_optimizer = { module: 'keras.optimizers', class_name: 'SGD', config: { loss_scale_factor: 8 } };
    const warnings: unknown[] = [];
    const details: unknown[] = [];
    const extras = { onWarning: (text: string, more: unknown) => (warnings.push(text), details.push(more)) };
    const back = deserialize({ class_name: 'LossScaleOptimizer', config: { inner_optimizer } }, cpu(), extras);
    expect((back as LossScaleOptimizer<unknown>).inner.getConfig().lossScaleFactor).toBeNull();
    expect(warnings).toEqual([expect.stringContaining('loss_scale_factor 8')]);
    expect(details).toEqual([{ code: 'SGD_DEPRECATED_OPTION', paths: [] }]);
    for (const config of [{}, { loss_scale_factor: null }]) {
      const silent = { inner_optimizer: { ...inner_optimizer, config } };
      deserialize({ class_name: 'LossScaleOptimizer', config: silent }, cpu(), extras);
    }
    deserialize(
      { class_name: 'LossScaleOptimizer', config: { inner_optimizer: { ...inner_optimizer, config: {} } } },
      cpu(),
      extras,
    );
    expect(warnings).toHaveLength(1);
  });

  it.each<[unknown, RegExp]>([
    [3, /optimizer: expected a serialized object, got 3/],
    [undefined, /got undefined/],
    ['adamm', /expected SGD, Adam, .*Lamb or LossScaleOptimizer, got "adamm"/],
    [{ config: {} }, /class_name: expected a string, got undefined/],
    [{ class_name: 'NoSuch', config: {} }, /"NoSuch"/],
    [{ class_name: 'SGD', config: [] }, /config: expected an object/],
    [{ class_name: 'SGD', config: { momentum: 2 } }, /momentum/],
    [{ class_name: 'SGD', config: { foo: 1 } }, /unknown "foo"/],
    [{ class_name: 'SGD', config: { learningRate: 1 } }, /snake_case, got "learningRate"/],
    [{ class_name: 'SGD', config: JSON.parse('{"__proto__": {"momentum": 1}}') }, /unknown/],
    [
      { class_name: 'SGD', config: { learning_rate: { class_name: 'CosineDecay', config: {} } } },
      /learning_rate: .*its module/,
    ],
    [
      { class_name: 'SGD', config: { learning_rate: { module: 'm', class_name: 'cosinedecay', config: {} } } },
      /"cosinedecay"/,
    ],
    [
      { class_name: 'SGD', config: { learning_rate: { module: 'm', class_name: 'toString', config: {} } } },
      /"toString"/,
    ],
    [
      { class_name: 'SGD', config: { learning_rate: { module: 'm', class_name: 'CosineDecay', config: {} } } },
      /initialLearningRate/,
    ],
    [{ class_name: 'LossScaleOptimizer', config: {} }, /inner_optimizer/],
    [
      { class_name: 'LossScaleOptimizer', config: { inner_optimizer: { class_name: 'SGD', config: {} } } },
      /its module/,
    ],
    [
      {
        class_name: 'LossScaleOptimizer',
        config: { inner_optimizer: { module: 'm', class_name: 'Muon', config: {} } },
      },
      /"Muon"/,
    ],
    [
      { class_name: 'LossScaleOptimizer', config: { foo: 1, inner_optimizer: { module: 'm', class_name: 'SGD' } } },
      /unknown "foo"/,
    ],
    [{ class_name: 'x'.repeat(1e7) }, /xxx/],
  ])('expectRefusal %s', (json, message) => {
    const error = expectRefusal(() => deserialize(json, cpu()), 'SGD_INVALID_CONFIG', message);
    expect(error.message.length).toBeLessThan(500);
  });

  it('expectRefusal a schedule that is none', () => {
    expectRefusal(
      () => deserializeSchedule(null),
      'SGD_INVALID_CONFIG',
      /schedule: expected a serialized object, got null/,
    );
    expectRefusal(
      () => deserializeSchedule({ class_name: 'SGD', config: {} }),
      'SGD_INVALID_CONFIG',
      /expected one of ExponentialDecay/,
    );
  });

  it('passes on what the backend expectRefusal', () => {
    expectRefusal(() => deserialize('sgd', {} as never), 'SGD_CONTRACT');
  });

  it('can not serialize what Keras does not have', () => {
    expectRefusal(
      () => serialize(new SGD({ learningRate: () => 1 }, cpu())),
      'SGD_INVALID_CONFIG',
      /learningRate is a function/,
    );
    const own = { className: 'Mine', call: () => 1, getConfig: () => ({}) };
    expectRefusal(() => serialize(new SGD({ learningRate: own }, cpu())), 'SGD_INVALID_CONFIG', /"Mine"/);
    expectRefusal(() => serialize({} as never), 'SGD_INVALID_CONFIG');
  });
});
