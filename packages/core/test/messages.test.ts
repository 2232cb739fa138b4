import { type Backend, deserialize, deserializeSchedule, LossScaleOptimizer, SGD, SgdError } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { expectRefusal, expectRejection, f32, later } from './helpers.ts';

describe('a refusal names the call', () => {
  it('that was made', async () => {
    const optimizer = new SGD({ useEma: true }, cpu());
    expectRefusal(() => optimizer.apply([f32(1)]), 'SGD_NOT_BUILT', /^apply: call build/);
    expectRefusal(() => optimizer.trainablePaths, 'SGD_NOT_BUILT', /^trainablePaths:/);
    optimizer.build([f32(1)]);
    expectRefusal(() => optimizer.swapAverages(), 'SGD_NO_AVERAGES', /^swapAverages:/);
    expectRefusal(() => optimizer.finalizeVariableValues(), 'SGD_NO_AVERAGES', /^finalizeVariableValues:/);
    expectRefusal(
      () => optimizer.finalizeVariableValues([]),
      'SGD_INVALID_OPTION',
      /^finalizeVariableValues: expected the 1/,
    );
    await expectRejection(optimizer.measured(), 'SGD_INVALID_OPTION', /^measured: extras.measure names nothing/);
    optimizer.dispose();
    const gone = (call: () => unknown, name: string): unknown =>
      expectRefusal(call, 'SGD_DISPOSED', new RegExp(`^${name}: `));
    gone(() => optimizer.applyGradients([]), 'applyGradients');
    gone(() => optimizer.finalizeVariableValues(), 'finalizeVariableValues');
    gone(() => optimizer.swapAverages(), 'swapAverages');
    gone(() => void (optimizer.learningRate = 1), 'learningRate');
    await expectRejection(optimizer.getState(), 'SGD_DISPOSED', /^getState: /);
    const wrapper = new LossScaleOptimizer(new SGD({}, cpu()));
    expectRefusal(() => wrapper.inner.dispose(), 'SGD_UNSUPPORTED', /^dispose: /);
    expectRefusal(
      () => new LossScaleOptimizer(wrapper.getConfig().innerOptimizer),
      'SGD_UNSUPPORTED',
      /^LossScaleOptimizer: expected an optimizer that is not wrapped, got the one inside .*; wrap a new one, or .*fromConfig/,
    );
  });

  it('in flight', async () => {
    const backend = later();
    const optimizer = new SGD({}, backend);
    await optimizer.build([f32(1)]);
    const disposing = optimizer.dispose();
    await expectRejection(optimizer.apply([f32(1)]), 'SGD_BUSY', /dispose is still in flight/);
    await disposing;
  });
});

describe('a refusal names what came and what was expected', () => {
  const sgd = (options = {}, extras = {}): SGD<unknown> => new SGD(options, cpu(), extras) as SGD<unknown>;

  it('of a wrapper', () => {
    const wrap = (options: object) => () => new LossScaleOptimizer(sgd(), options);
    expectRefusal(
      wrap({ useEma: true }),
      'SGD_INVALID_OPTION',
      /^LossScaleOptimizer: useEma: expected false: set it on the inner optimizer, got true/,
    );
    expectRefusal(wrap({ foo: 1 }), 'SGD_INVALID_OPTION', /^LossScaleOptimizer: unknown "foo"/);
    expectRefusal(
      () => new LossScaleOptimizer(3 as never),
      'SGD_INVALID_OPTION',
      /^the optimizer to wrap: expected an optimizer such as SGD, got 3/,
    );
    expectRefusal(
      () => new LossScaleOptimizer(sgd({ lossScaleFactor: 2 })),
      'SGD_INVALID_OPTION',
      /expected null: the wrapper scales, got 2/,
    );
    expectRefusal(
      () => new LossScaleOptimizer(sgd({}, { nonFinite: 'skip' })),
      'SGD_INVALID_OPTION',
      /expected "keras": the wrapper drops such steps, got "skip"/,
    );
    const built = new SGD({}, cpu());
    built.build([f32(1)]);
    expectRefusal(
      () => new LossScaleOptimizer(built),
      'SGD_ALREADY_BUILT',
      /^LossScaleOptimizer: the optimizer to wrap is built/,
    );
  });

  it('of exclusions and variables', () => {
    const exclude = (what: object) => () => sgd().excludeFromWeightDecay(what);
    expectRefusal(exclude({ foo: 1 }), 'SGD_INVALID_OPTION', /^excludeFromWeightDecay: unknown "foo"/);
    expectRefusal(
      exclude({ names: [() => 1] }),
      'SGD_INVALID_OPTION',
      /^excludeFromWeightDecay: a name: expected a regular expression, got a function/,
    );
    expectRefusal(() => sgd().build([]), 'SGD_INVALID_OPTION', /^variables: expected at least one, got Array of 0/);
    expectRefusal(
      () => sgd().build({ 'a/': f32(1) }),
      'SGD_INVALID_OPTION',
      /its path: expected a text that does not end in "\/", got "a\/"/,
    );
  });

  it('of options', () => {
    expectRefusal(() => sgd({ useEma: true, emaMomentum: 2 }), 'SGD_INVALID_OPTION', /^options: emaMomentum/);
    expectRefusal(() => sgd({ clipnorm: 1, clipvalue: 1 }), 'SGD_INVALID_OPTION', /^options: expected at most one/);
    const optimizer = new SGD({ learningRate: () => undefined as never }, cpu());
    optimizer.build([f32(1)]);
    expectRefusal(
      () => optimizer.apply([f32(1)]),
      'SGD_INVALID_OPTION',
      /^the learning rate function or schedule: expected a number back, got undefined/,
    );
  });

  it('of serialized forms', () => {
    expectRefusal(
      () => deserializeSchedule({ class_name: 'Nope' }),
      'SGD_INVALID_CONFIG',
      /expected one of ExponentialDecay, InverseTimeDecay, .*, got "Nope"/,
    );
    const config = { inner_optimizer: { class_name: 'SGD' } };
    expectRefusal(
      () => deserialize({ class_name: 'LossScaleOptimizer', config }, cpu()),
      'SGD_INVALID_CONFIG',
      /^inner_optimizer: expected a serialized object with its module/,
    );
  });
});

describe('what an engine says', () => {
  it('about a variable keeps its code, and names the variable', () => {
    const base = cpu();
    const backend: Backend<unknown> = {
      ...base,
      describe: () => {
        throw new SgdError('SGD_DETACHED', 'gone');
      },
    } as unknown as Backend<unknown>;
    expectRefusal(() => new SGD({}, backend).build({ w: f32(1) }), 'SGD_DETACHED', /^variables: "w": gone$/);
  });

  it('is a variable of no shape, and so is none', () => {
    const backend = { ...cpu(), describe: () => ({ shape: {}, dtype: 'float32' }) } as unknown as Backend<unknown>;
    const words = /^variables: "w": expected a variable of the backend "cpu", got Float32Array/;
    expectRefusal(() => new SGD({}, backend).build({ w: f32(1) }), 'SGD_UNKNOWN_VARIABLE', words);
  });

  it('in words of another copy of this package is understood', () => {
    class SgdError extends Error {
      override name = 'SgdError';
      code = 'SGD_DETACHED';
    }
    const base = cpu();
    const foreign = {
      ...base,
      open: (...args: Parameters<typeof base.open>) => ({
        ...base.open(...args),
        step: (): boolean => {
          throw new SgdError('moved');
        },
      }),
    };
    const optimizer = new SGD({}, foreign);
    optimizer.build([f32(1)]);
    let error: unknown;
    try {
      optimizer.apply([f32(1)]);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'SGD_DETACHED', message: 'moved' });
  });

  it('is told to free its slots', async () => {
    let freed = 0;
    const base = later();
    const backend = {
      ...base,
      async open(...args: Parameters<typeof base.open>) {
        const session = await base.open(...args);
        return { ...session, dispose: async () => void freed++ };
      },
    };
    const optimizer = new SGD({}, backend);
    await optimizer.build([f32(1)]);
    await optimizer.dispose();
    await optimizer.dispose();
    expect(freed).toBe(1);
  });

  it('about what it measured, if it says anything', async () => {
    const base = cpu();
    const silent = {
      ...base,
      open: (...args: Parameters<typeof base.open>) => ({ ...base.open(...args), measured: undefined }),
    };
    const optimizer = new SGD({}, silent as unknown as typeof base, { measure: ['update-norm'] });
    optimizer.build([f32(1)]);
    expect(await optimizer.measured()).toEqual({});
  });
});

describe('reads', () => {
  it('wait, each of them, for the step in flight, and do not wait without one', async () => {
    const backend = later();
    const optimizer = new SGD({ learningRate: 1 }, backend, { measure: ['update-norm'] });
    await optimizer.build([f32(1)]);
    const reads = [
      () => optimizer.measured(),
      () => optimizer.readAll(),
      () => optimizer.read('variable'),
      () => optimizer.getState(),
    ];
    for (const read of reads) {
      const open = backend.hold();
      const step = optimizer.apply([f32(1)]);
      let done = false;
      const reading = read().then(() => {
        done = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 2));
      expect(done).toBe(false);
      open();
      await Promise.all([step, reading]);
    }
  });

  it('of measures are as of the call', async () => {
    const optimizer = new SGD({ learningRate: 1 }, cpu(), { measure: ['gradient-norm'] });
    optimizer.build([f32(1)]);
    optimizer.apply([f32(3)]);
    const first = optimizer.measured();
    optimizer.apply([f32(4)]);
    expect([await first, await optimizer.measured()]).toEqual([{ gradientNorm: 3 }, { gradientNorm: 4 }]);
  });
});

describe('a learning rate function', () => {
  it('is called with nothing', () => {
    const seen: unknown[] = [];
    const optimizer = new SGD(
      {
        learningRate(this: unknown, ...args: unknown[]) {
          seen.push(this, ...args);
          return 1;
        },
      },
      cpu(),
    );
    optimizer.build([f32(1)]);
    optimizer.apply([f32(1)]);
    expect(seen).toEqual([undefined]);
  });
});
