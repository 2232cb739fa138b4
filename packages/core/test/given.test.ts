import { LossScaleOptimizer, SGD, serialize } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { expectRefusal, expectRejection, f32, later } from './helpers.ts';

class Gradients {
  a = f32(1);
}
class Getters {
  get a(): Float32Array {
    return f32(1);
  }
}

/** What is no record by path, though most of it has no keys that could be wrong. */
const strange: Readonly<Record<string, () => unknown>> = {
  'a promise': () => Promise.resolve([f32(1)]),
  'a Map': () => new Map([['a', f32(1)]]),
  'a Set': () => new Set([f32(1)]),
  'a WeakMap': () => new WeakMap(),
  'a Date': () => new Date(),
  'an Error': () => new Error('a'),
  'a RegExp': () => /a/,
  'an iterator': () => [f32(1)].values(),
  'a generator': () =>
    (function* () {
      yield f32(1);
    })(),
  'an ArrayBuffer': () => new ArrayBuffer(4),
  'an instance of a class': () => new Gradients(),
  'an instance with getters': () => new Getters(),
  'a function': () => () => [f32(1)],
  'a boxed string': () => Object('a'),
};

describe('gradients by path', () => {
  it.each(Object.keys(strange))('are no record when they are %s', async (kind) => {
    const x = f32(1);
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, cpu());
    optimizer.build({ a: x });
    const given = (): never => strange[kind]!() as never;
    expectRefusal(() => optimizer.apply(given()), 'SGD_INVALID_OPTION', /^gradients: expected an array, or a/);
    const async = new SGD({ learningRate: 1 }, later());
    await async.build({ a: f32(1) });
    await expectRejection(async.apply(given()), 'SGD_INVALID_OPTION', /^gradients: /);
    expect([x[0], optimizer.iterations, async.iterations]).toEqual([1, 0, 0]);
  });

  it('do not make a loss scale grow', () => {
    const optimizer = new LossScaleOptimizer(new SGD({}, cpu()), { initialScale: 4, dynamicGrowthSteps: 1 });
    optimizer.build({ a: f32(1) });
    for (const make of Object.values(strange))
      expectRefusal(() => optimizer.apply(make() as never), 'SGD_INVALID_OPTION');
    expect([optimizer.dynamicScale, optimizer.stepCounter]).toEqual([4, 0]);
  });

  it('are one of any realm, without a prototype, or behind a proxy', async () => {
    const vm = await import('node:vm');
    const x = f32(0);
    const optimizer = new SGD({ learningRate: 1 }, cpu());
    optimizer.build({ x });
    const foreign = Object.assign(vm.runInNewContext('({})') as Record<string, Float32Array>, { x: f32(1) });
    const bare = Object.assign(Object.create(null) as Record<string, Float32Array>, { x: f32(1) });
    for (const gradients of [foreign, bare, new Proxy({ x: f32(1) }, {})])
      expect(optimizer.apply(gradients)).toBe(true);
    expect([x[0], optimizer.iterations]).toEqual([-3, 3]);
  });

  it('are own properties', () => {
    const optimizer = new SGD({}, cpu());
    optimizer.build({ a: f32(1) });
    const prototype = Object.prototype as { b?: unknown };
    try {
      prototype.b = f32(1);
      expect(optimizer.apply({ a: f32(1) })).toBe(true);
    } finally {
      delete prototype.b;
    }
  });

  it('may be none, as an empty list is', () => {
    const optimizer = new SGD({}, cpu());
    expect([optimizer.apply([]), optimizer.apply({})]).toEqual([true, true]);
    optimizer.build([f32(1)]);
    expect([optimizer.apply([]), optimizer.apply({}), optimizer.iterations]).toEqual([true, true, 0]);
  });
});

describe('a promise that nobody awaited', () => {
  it('is named, wherever it is given', async () => {
    const advice = /\ba promise: await it/;
    const backend = Promise.resolve(cpu());
    expectRefusal(() => new SGD({}, backend as never), 'SGD_CONTRACT', advice);
    expectRefusal(() => new SGD(Promise.resolve({}) as never, cpu()), 'SGD_INVALID_OPTION', advice);
    expectRefusal(() => new SGD({}, cpu(), Promise.resolve({}) as never), 'SGD_INVALID_OPTION', advice);
    expectRefusal(() => new LossScaleOptimizer(Promise.resolve(1) as never), 'SGD_INVALID_OPTION', advice);
    const make = (): SGD<unknown> => new SGD({}, cpu()) as SGD<unknown>;
    expectRefusal(() => new LossScaleOptimizer(make(), Promise.resolve({}) as never), 'SGD_INVALID_OPTION', advice);
    expectRefusal(() => make().build(Promise.resolve([f32(1)]) as never), 'SGD_INVALID_OPTION', advice);
    expectRefusal(() => make().build([Promise.resolve(f32(1))]), 'SGD_UNKNOWN_VARIABLE', advice);
    expectRefusal(() => make().build([f32(1)], Promise.resolve({}) as never), 'SGD_INVALID_OPTION', advice);
    expectRefusal(() => make().excludeFromWeightDecay(Promise.resolve({}) as never), 'SGD_INVALID_OPTION', advice);
    const optimizer = new SGD({}, cpu());
    optimizer.build({ a: f32(1) });
    const promise = Promise.resolve(f32(1)) as never;
    expectRefusal(() => optimizer.apply(promise), 'SGD_INVALID_OPTION', advice);
    expectRefusal(() => optimizer.apply([promise]), 'SGD_GRADIENT_SHAPE', /^gradient of a: .*got a promise: await it/);
    expectRefusal(() => optimizer.apply({ a: promise }), 'SGD_GRADIENT_SHAPE', advice);
    expectRefusal(() => optimizer.apply([f32(1)], promise), 'SGD_INVALID_OPTION', advice);
    expectRefusal(() => optimizer.apply([f32(1)], [promise]), 'SGD_UNKNOWN_VARIABLE', advice);
    expectRefusal(() => optimizer.applyGradients(promise), 'SGD_INVALID_OPTION', advice);
    expectRefusal(() => optimizer.applyGradients([promise]), 'SGD_INVALID_OPTION', advice);
    await expectRejection(optimizer.setState(optimizer.getState() as never), 'SGD_STATE_MISMATCH', advice);
    expectRefusal(() => serialize(promise), 'SGD_INVALID_CONFIG', advice);
  });
});

describe('options', () => {
  it('are no Map, and no constraints are one', () => {
    const map = new Map([['momentum', 1]]) as never;
    expectRefusal(() => new SGD(map, cpu()), 'SGD_INVALID_OPTION', /^options: expected an object, got Map/);
    expectRefusal(() => new SGD({}, cpu(), map), 'SGD_INVALID_OPTION', /^extras: expected an object, got Map/);
    expectRefusal(() => new LossScaleOptimizer(new SGD({}, cpu()), map), 'SGD_INVALID_OPTION', /got Map/);
    expectRefusal(() => new LossScaleOptimizer(new SGD({}, cpu()), null as never), 'SGD_INVALID_OPTION', /got null/);
    expectRefusal(() => new SGD({}, cpu()).build([f32(1)], map), 'SGD_INVALID_OPTION', /^build: /);
    const constraints = new Map([['variable', () => {}]]) as never;
    expectRefusal(() => new SGD({}, cpu()).build([f32(1)], { constraints }), 'SGD_INVALID_OPTION', /got Map/);
    expectRefusal(() => new SGD({}, cpu()).excludeFromWeightDecay(map), 'SGD_INVALID_OPTION', /got Map/);
  });

  it('may be an instance of a class with fields', () => {
    class Options {
      learningRate = 1;
    }
    expect(new SGD(new Options(), cpu()).learningRate).toBe(1);
  });
});

describe('a refusal', () => {
  const built = () => {
    const optimizer = new SGD({}, cpu(), { groups: [{ paths: ['frozen'], frozen: true }] });
    optimizer.build({ frozen: f32(1), a: f32(1, 2) });
    return optimizer;
  };

  it('of gradients of frozen variables alone says so', () => {
    const words = /^expected a gradient of a variable that is not frozen, got gradients of frozen ones only/;
    expectRefusal(() => built().apply({ frozen: f32(1) }), 'SGD_NO_GRADIENTS', words);
    expectRefusal(() => built().apply([f32(1), null]), 'SGD_NO_GRADIENTS', words);
    expectRefusal(() => built().apply([null, null]), 'SGD_NO_GRADIENTS', /got null for each of 2 variables/);
  });

  it('of variables that are null blames them', async () => {
    const words = /^variables: expected an array, got null/;
    expectRefusal(() => built().apply([f32(1), f32(1, 2)], null as never), 'SGD_INVALID_OPTION', words);
    expectRefusal(() => built().apply({ a: f32(1, 2) }, null as never), 'SGD_INVALID_OPTION', words);
    expectRefusal(() => new SGD({}, cpu()).apply([f32(1)], null as never), 'SGD_INVALID_OPTION', words);
    await expectRejection(new SGD({}, later()).apply([f32(1)], null as never), 'SGD_INVALID_OPTION', words);
  });

  it('of what throws when it is read has that as its cause', () => {
    const failure = new Error('mine');
    const fail = (): never => {
      throw failure;
    };
    const reads: unknown[] = [
      Object.defineProperty({}, 'a', { get: fail, enumerable: true }),
      Object.defineProperty([f32(1), f32(1, 2)], 0, { get: fail }),
      new Proxy({}, { ownKeys: fail }),
      new Proxy({}, { getPrototypeOf: fail }),
      new Proxy([], { get: fail }),
    ];
    for (const gradients of reads) {
      const error = expectRefusal(() => built().apply(gradients as never), 'SGD_INVALID_OPTION', /^gradients: .*mine/);
      expect(error.cause).toBe(failure);
    }
    const gradient = {
      shape: [2],
      get data() {
        return fail();
      },
    };
    const error = expectRefusal(() => built().apply({ a: gradient }), 'SGD_GRADIENT_SHAPE', /^gradient of a: .*mine/);
    expect(error.cause).toBe(failure);
    const pairs = { [Symbol.iterator]: fail };
    expect(expectRefusal(() => built().applyGradients(pairs), 'SGD_INVALID_OPTION', /^pairs: .*mine/).cause).toBe(
      failure,
    );
    const variables = Object.defineProperty({}, 'a', { get: fail, enumerable: true });
    expect(
      expectRefusal(() => new SGD({}, cpu()).build(variables), 'SGD_INVALID_OPTION', /^variables: .*mine/).cause,
    ).toBe(failure);
  });

  it('of pairs says what a pair is', () => {
    const pairs: [unknown, RegExp][] = [
      [null, /^pairs: expected an iterable of \[gradient, variable\], got null/],
      [5, /^pairs: expected an iterable of \[gradient, variable\], got 5/],
      [{}, /^pairs: /],
      [[null], /^pairs: expected \[gradient, variable\], got null/],
      [[5], /^pairs: expected \[gradient, variable\], got 5/],
      ['ab', /^pairs: expected \[gradient, variable\], got "a"/],
    ];
    for (const [given, words] of pairs)
      expectRefusal(() => built().applyGradients(given as never), 'SGD_INVALID_OPTION', words);
  });

  it('of a name says that it is to be a string', () => {
    for (const name of [5, {}, true, 1n, Symbol('a'), [], () => 'a']) {
      const variable = { data: f32(1), shape: [1], name } as never;
      expectRefusal(
        () => new SGD({}, cpu()).build([variable]),
        'SGD_INVALID_OPTION',
        /^variables: "0": its name: expected a string, got/,
      );
      // a record names its variables itself
      const optimizer = new SGD({}, cpu());
      optimizer.build({ a: variable });
      expect(optimizer.trainablePaths).toEqual(['a']);
    }
  });

  it('of a proxy around a variable says what it is for', () => {
    const proxy = new Proxy(f32(1, 2), {});
    expectRefusal(() => new SGD({}, cpu()).build([proxy]), 'SGD_UNKNOWN_VARIABLE', /^variables: "0": /);
    expectRefusal(() => built().apply({ a: proxy }), 'SGD_GRADIENT_SHAPE', /^gradient of a: /);
    expectRefusal(() => built().apply([f32(1, 2)], [proxy]), 'SGD_UNKNOWN_VARIABLE');
  });

  it('of what can not be serialized names it', () => {
    for (const value of [
      null,
      undefined,
      5,
      'SGD',
      {},
      { className: 'SGD' },
      { className: 'SGD', getConfig: () => null },
    ])
      expectRefusal(() => serialize(value as never), 'SGD_INVALID_CONFIG');
  });

  it('of a plain array says which array is wanted', () => {
    expectRefusal(
      () => built().apply({ a: [1, 2] as never }),
      'SGD_GRADIENT_SHAPE',
      /^gradient of a: expected shape \[2\] of float32, got a plain Array of length 2: make it a Float32Array/,
    );
    expectRefusal(
      () => built().apply({ a: { data: [1, 2], shape: [2] } as never }),
      'SGD_GRADIENT_SHAPE',
      /Float32Array/,
    );
  });

  it("of Keras's dynamic: false says what to do instead", () => {
    expectRefusal(
      () => new LossScaleOptimizer(new SGD({}, cpu()), { dynamic: false } as never),
      'SGD_INVALID_OPTION',
      /^LossScaleOptimizer: dynamic: expected true.*lossScaleFactor/,
    );
  });
});
