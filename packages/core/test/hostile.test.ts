import {
  CosineDecay,
  deserialize,
  deserializeSchedule,
  LossScaleOptimizer,
  serialize,
  SGD,
  SgdError,
  shown,
  shownTensor,
  type WarningDetails,
} from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { f32 } from './helpers.ts';

const LONG = 'x'.repeat(2e7);
const nested = (levels: number, [open, close]: readonly [string, string]): unknown =>
  JSON.parse(open.repeat(levels) + '1' + close.repeat(levels));
/** Not from JSON: what a program can hand in. */
const throwing = {
  get length(): number {
    throw new Error('no');
  },
  get constructor(): never {
    throw new Error('no');
  },
};

const VALUES: Readonly<Record<string, unknown>> = {
  'a length that is an object': JSON.parse('{"length":{"toString":1,"valueOf":1}}'),
  'a length 6,500 lists deep': { length: nested(6500, ['[', ']']) },
  'lists 6,500 deep': nested(6500, ['[', ']']),
  'objects 6,500 deep': nested(6500, ['{"config":', '}']),
  'objects with a constructor': JSON.parse('{"constructor":{"name":{"toString":1}}}'),
  'a constructor of a long name': { constructor: { name: LONG } },
  'a long string': LONG,
  'a long string of quotes': '"'.repeat(2e7),
  'a long list': Array.from({ length: 1e6 }, () => 1),
  'a long symbol': Symbol(LONG),
  'a long bigint': 10n ** 5000n,
  'getters that throw': throwing,
  'a long kind': { [Symbol.toStringTag]: LONG },
  'a regular expression that throws': Object.assign(/x/, { toString: 1 }),
};

/** What no option is made of, but a message may have to show. */
const OTHERS: Readonly<Record<string, unknown>> = {
  'a long function': Object.assign(() => 1, { toString: () => LONG }),
  'a proxy that throws': new Proxy({}, { get: () => JSON.parse('!') }),
  'a proxy that was revoked': (({ proxy, revoke }) => (revoke(), proxy))(Proxy.revocable({}, {})),
};

/** The error of a call must be one of ours, short, and not take long: a long value is looked at once at the most. */
function expectShort(call: () => unknown): string {
  let error: unknown;
  try {
    call();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(SgdError);
  const { message } = error as SgdError;
  expect(message.length).toBeLessThan(700);
  return message;
}

describe.each(Object.entries(VALUES))('%s', (_, value) => {
  const config = (own: object): object => ({ class_name: 'SGD', config: own });

  it('is refused in few words where a config holds it', () => {
    for (const key of ['momentum', 'learning_rate', 'nesterov', 'clipnorm', 'gradient_accumulation_steps', 'use_ema'])
      expectShort(() => deserialize(config({ [key]: value }), cpu()));
    if (typeof value !== 'string') expectShort(() => deserialize(config({ name: value }), cpu()));
    expectShort(() => deserialize(typeof value === 'string' ? value : { class_name: value }, cpu()));
    expectShort(() => deserialize({ class_name: 'SGD', config: { foo: value } }, cpu()));
    expectShort(() => deserialize({ class_name: 'LossScaleOptimizer', config: { inner_optimizer: value } }, cpu()));
    expectShort(() => deserializeSchedule({ class_name: value, config: {} }));
    expectShort(() => deserializeSchedule({ class_name: 'CosineDecay', config: { initial_learning_rate: value } }));
  });

  it('is refused in few words by constructors and calls', () => {
    expectShort(() => new SGD({ learningRate: value as never, momentum: value as never }, cpu()));
    expectShort(() => new SGD({}, cpu(), { groups: [{ paths: [value as never], frozen: value as never }] }));
    expectShort(() => new SGD({}, cpu(), { measure: value as never }));
    expectShort(() => new CosineDecay({ initialLearningRate: 1, decaySteps: value as never }));
    expectShort(() => new LossScaleOptimizer(new SGD({}, cpu()), { initialScale: value as never }));
    expectShort(() => new SGD({}, cpu()).build({ w: value as never }));
    const optimizer = new SGD({ learningRate: 1 }, cpu());
    optimizer.build({ w: f32(1) });
    expectShort(() => void (optimizer.learningRate = value as never));
    expectShort(() => optimizer.trainableVariable(value as never));
    expectShort(() => optimizer.excludeFromWeightDecay({ names: [value as never] }));
    const throws = new SGD(
      {
        learningRate: () => {
          throw value;
        },
      },
      cpu(),
    );
    throws.build({ w: f32(1) });
    expectShort(() => throws.apply([f32(1)]));
  });
});

it.each(Object.entries({ ...VALUES, ...OTHERS }))('%s is shown in a line', (_, value) => {
  expect(shown(value).length).toBeLessThan(220);
  expect(shown(value)).not.toMatch(/\n/);
  for (const shape of [value, [value], [1, value]]) expect(shownTensor(value, shape).length).toBeLessThan(700);
});

describe('names', () => {
  it('of options that are long are looked at once', () => {
    let looked = 0;
    const key = 'Ab_'.repeat(7e6);
    const counting = new Proxy({ [key]: 1 }, { ownKeys: (target) => (looked++, Reflect.ownKeys(target)) });
    expect(expectShort(() => new SGD(counting, cpu()))).toMatch(/^options: unknown "Ab_Ab_.*…"; expected one of/);
    expect(expectShort(() => deserialize({ class_name: 'SGD', config: { ['a_b'.repeat(7e6)]: 1 } }, cpu()))).toMatch(
      /^config: unknown "a_b/,
    );
    expect(looked).toBeGreaterThan(0);
  });

  it('of variables are cut in messages', () => {
    const path = `${'p'.repeat(1e7)}/w`;
    const warned: [string, WarningDetails][] = [];
    const optimizer = new SGD({}, cpu(), { onWarning: (text, details) => warned.push([text, details]) });
    const others = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${'q'.repeat(1e4)}${i}`, f32(1)]));
    optimizer.build({ [path]: f32(1), ...others });
    expect(expectShort(() => optimizer.apply({ [path]: f32(1, 2) }))).toMatch(/expected shape \[1\] of float32/);
    expectShort(() => optimizer.apply([f32(1), f32(1)], [path, path]));
    optimizer.apply([f32(1), ...Object.keys(others).map(() => null)]);
    expect(warned).toHaveLength(1);
    expect(warned[0]?.[0].length).toBeLessThan(1200);
    expect(warned[0]?.[1].paths).toEqual(Object.keys(others));
    expectShort(() => new SGD({}, cpu(), { groups: [{ paths: [path] }, { paths: [path] }] }).build({ [path]: f32(1) }));
    expectShort(() => new SGD({}, cpu()).build({ [path]: f32(1) }, { constraints: { [path]: 1 as never } }));
  });

  it('of what can not be serialized are cut', () => {
    const own = { className: LONG, getConfig: () => ({}) };
    expectShort(() => serialize(own));
    expectShort(() => serialize({ className: 'CosineDecay', getConfig: () => ({ [LONG]: () => 1 }) }));
    const endless = { className: 'CosineDecay', getConfig: (): object => ({ again: endless }) };
    expect(expectShort(() => serialize(endless))).toMatch(/schedule/);
  });
});

it('every message is cut at last', () => {
  expect(new SgdError('SGD_BACKEND', LONG).message.length).toBeLessThan(1100);
  expect(new SgdError('SGD_BACKEND', 'short').message).toBe('short');
});
