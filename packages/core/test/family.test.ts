import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  deserialize,
  Ftrl,
  Lamb,
  Lion,
  RMSprop,
  serialize,
  type SgdError,
} from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { expectRefusal, expectRejection, f32 } from './helpers.ts';

const CLASSES = { Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, Lion, Ftrl, Lamb } as const;
type Options = Record<string, unknown>;
type Any = Adam<Float32Array, Float32Array, 'sync'>;

const make = (name: keyof typeof CLASSES, options: Options = {}, extras: object = {}): Any =>
  new CLASSES[name](options as never, cpu() as never, extras as never) as unknown as Any;

/** The options that are the rule's own, with their defaults. */
function ownOptions(name: keyof typeof CLASSES): Options {
  const shared = Object.keys(make('Lion').getConfig()).filter((key) => !key.startsWith('beta'));
  return Object.fromEntries(Object.entries(make(name).getConfig()).filter(([key]) => !shared.includes(key)));
}

describe.each(Object.keys(CLASSES) as (keyof typeof CLASSES)[])('%s', (name) => {
  it('is made again from its config, and from its JSON', () => {
    const optimizer = make(name, { learningRate: 0.5, clipnorm: 2 });
    const config = optimizer.getConfig();
    const Class = CLASSES[name] as unknown as { fromConfig(config: object, backend: object): Any };
    expect(Class.fromConfig(config, cpu()).getConfig()).toEqual(config);
    const json = serialize(optimizer);
    expect(json.class_name).toBe(name);
    expect(serialize(deserialize(json, cpu()))).toEqual(json);
  });

  it('refuses options of the wrong type, and those that it does not have', () => {
    for (const [option, value] of Object.entries(ownOptions(name))) {
      for (const wrong of [null, '0.5', {}, [], typeof value === 'number' ? true : 1]) {
        expectRefusal(() => make(name, { [option]: wrong }), 'SGD_INVALID_OPTION', new RegExp(`options: ${option}: `));
      }
    }
    expectRefusal(() => make(name, { nesterov: true }), 'SGD_INVALID_OPTION', /unknown "nesterov"/);
    expectRefusal(() => make(name, { beta_1: 0.5 }), 'SGD_INVALID_OPTION', /unknown "beta_1"/);
  });

  it('in groups with options of their own is as that many optimizers', () => {
    const other = Object.fromEntries(
      Object.entries(ownOptions(name))
        .filter(([, value]) => typeof value === 'number')
        // first values of slots are the same for all groups
        .filter(([option]) => option !== 'initialAccumulatorValue')
        .map(([option, value]) => [option, (value as number) * 0.5]),
    );
    const [a, b, c, d] = [f32(1, -2), f32(3), f32(1, -2), f32(3)];
    const grouped = make(name, {}, { groups: [{ paths: ['b'], ...other }] });
    grouped.build({ a, b } as never);
    const [first, second] = [make(name), make(name, other)];
    first.build({ a: c } as never);
    second.build({ b: d } as never);
    for (const g of [1, -0.5, 3]) {
      grouped.apply({ a: f32(g, 2 * g), b: f32(-g) } as never);
      first.apply({ a: f32(g, 2 * g) } as never);
      second.apply({ b: f32(-g) } as never);
    }
    expect([a, b]).toEqual([c, d]);
    expect(a).not.toEqual(f32(1, -2));
  });

  it('goes on from a saved state, and refuses that of another', async () => {
    const [x, y] = [f32(1, -2), f32(1, -2)];
    const one = make(name);
    one.build({ x } as never);
    one.apply([f32(1, 2)] as never);
    const state = await one.getState();
    const two = make(name);
    y.set(x);
    two.build({ x: y } as never);
    await two.setState(state);
    for (const each of [one, two]) each.apply([f32(-3, 0.5)] as never);
    expect(y).toEqual(x);
    const other = make(name === 'Adadelta' ? 'Adam' : 'Adadelta');
    other.build({ x: f32(1, 1) } as never);
    const before = await other.getState();
    await expectRejection(other.setState(state), 'SGD_STATE_MISMATCH');
    expect(await other.getState()).toEqual(before);
  });
});

describe('what Keras refuses', () => {
  it.each<[keyof typeof CLASSES, Options, RegExp]>([
    ['AdamW', { weightDecay: null }, /weightDecay: expected a number, got null/],
    ['Ftrl', { initialAccumulatorValue: -1 }, /initialAccumulatorValue: expected a number of at least 0, got -1/],
    ['Ftrl', { learningRatePower: 0.5 }, /learningRatePower: expected a number of at most 0, got 0.5/],
    ['Ftrl', { l1RegularizationStrength: -1 }, /l1RegularizationStrength: .*at least 0/],
    ['Ftrl', { l2RegularizationStrength: -1 }, /l2RegularizationStrength: .*at least 0/],
    ['Ftrl', { l2ShrinkageRegularizationStrength: -1 }, /l2ShrinkageRegularizationStrength: .*at least 0/],
  ])('%s %j', (name, options, message) => {
    expectRefusal(() => make(name, options), 'SGD_INVALID_OPTION', message);
  });

  it('groups that start a slot at different values', () => {
    const optimizer = make('Adagrad', {}, { groups: [{ paths: ['b'], initialAccumulatorValue: 0.5 }] });
    const error: SgdError = expectRefusal(
      () => optimizer.build({ a: f32(1), b: f32(1) } as never),
      'SGD_INVALID_OPTION',
      /the slot accumulator different first values/,
    );
    expect(error.message.length).toBeLessThan(200);
  });
});
