import { CosineDecay, LossScaleOptimizer, SGD, type SGDOptions, type State, type WarningDetails } from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { f32, later, expectRefusal, expectRejection } from './helpers.ts';

const OPTIONS = { learningRate: 0.1, momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 } satisfies SGDOptions;
const start = () => ({ 'a/w': { data: f32(1, 2, 3, 4), shape: [2, 2] }, b: f32(5) });
const gradients = (i: number) => ({ 'a/w': f32(i, -i, 0.5, 1 / 3), b: f32(i / 7) });

function wrapped(): LossScaleOptimizer<CpuVariable, CpuGradient, 'sync'> {
  const inner = new SGD(OPTIONS, cpu());
  return new LossScaleOptimizer(inner, { initialScale: 4, dynamicGrowthSteps: 3 });
}

describe('getState and setState', () => {
  it('go on with the same bits, through structuredClone, counters and loss scale included', async () => {
    const one = wrapped();
    const variables = start();
    one.build(variables);
    for (let i = 1; i < 6; i++) one.apply(gradients(i));
    const state = structuredClone(await one.getState());
    expect(state).toMatchObject({
      format: 'sgd-state/2',
      config: { className: 'LossScaleOptimizer', momentum: 0.9, learningRate: Math.fround(0.1) },
      iterations: 5,
      learningRate: Math.fround(0.1),
      lossScale: { dynamicScale: 8, stepCounter: 2 },
    });
    expect(Object.keys(state.slots)).toEqual(['a/w', 'b']);
    expect(Object.keys(state.slots.b ?? {})).toEqual(['average', 'gradient_accumulator', 'momentum']);

    const two = wrapped();
    const copies = structuredClone(variables);
    two.build(copies);
    await two.setState(state);
    expect([two.iterations, two.dynamicScale, two.stepCounter]).toEqual([2, 8, 2]);
    for (let i = 6; i < 12; i++) {
      one.apply(gradients(i));
      two.apply(gradients(i));
    }
    expect(copies).toEqual(variables);
    expect(await two.getState()).toEqual(await one.getState());
  });

  it('keep the state apart from what goes on', async () => {
    const optimizer = new SGD(OPTIONS, cpu());
    optimizer.build(start());
    optimizer.apply(gradients(1));
    const state = await optimizer.getState();
    const before = structuredClone(state);
    await optimizer.setState(state);
    optimizer.apply(gradients(2));
    expect(state).toEqual(before);
  });

  it('leave a schedule to the one who restores', async () => {
    const options = { ...OPTIONS, learningRate: new CosineDecay({ initialLearningRate: 1, decaySteps: 10 }) };
    const one = new SGD(options, cpu());
    one.build(start());
    for (let i = 0; i < 4; i++) one.apply(gradients(i));
    const state = structuredClone(await one.getState());
    expect([state.learningRate, state.config.learningRate]).toEqual([null, null]);
    const two = new SGD(options, cpu());
    two.build(start());
    await two.setState(state);
    expect(two.learningRate).toBe(one.learningRate);
    const constant = new SGD(OPTIONS, cpu());
    constant.build(start());
    await constant.setState({ ...state, learningRate: 0.3 });
    expect(constant.learningRate).toBe(Math.fround(0.3));
    const number = new SGD(OPTIONS, cpu());
    number.build(start());
    await expectRejection(number.setState(state), 'SGD_STATE_MISMATCH', /learningRate: expected a number, got null/);
  });

  it('have nothing for overwriting variables but the accumulator', async () => {
    const optimizer = new SGD(OPTIONS, cpu());
    optimizer.build(start(), { overwriteWithGradient: ['b'] });
    optimizer.apply(gradients(3));
    const state = await optimizer.getState();
    expect(Object.keys(state.slots.b ?? {})).toEqual(['gradient_accumulator']);
    await optimizer.setState(state);
  });

  it('on an asynchronous backend: nothing else until it is written', async () => {
    const base = later();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const backend = {
      ...base,
      async open(...args: Parameters<typeof base.open>) {
        const session = await base.open(...args);
        return {
          ...session,
          async write(entries: Parameters<typeof session.write>[0]) {
            await gate;
            await session.write(entries);
          },
        };
      },
    };
    const optimizer = new SGD(OPTIONS, backend);
    await optimizer.build(start());
    await optimizer.apply(gradients(1));
    const state = await optimizer.getState();
    const set = optimizer.setState({ ...state, iterations: 7 });
    await expectRejection(optimizer.apply(gradients(1)), 'SGD_BUSY', /setState is still in flight/);
    expect(optimizer.iterations).toBe(0);
    open();
    await set;
    expect(optimizer.iterations).toBe(3);
  });

  it('a write that fails changes no counter', async () => {
    const base = cpu();
    const backend = {
      ...base,
      open: (...args: Parameters<typeof base.open>) => ({
        ...base.open(...args),
        write: () => Promise.reject(new Error('full')),
      }),
    };
    const optimizer = new SGD(OPTIONS, backend);
    optimizer.build(start());
    optimizer.apply(gradients(1));
    const state = await optimizer.getState();
    await expectRejection(
      optimizer.setState({ ...state, iterations: 7, learningRate: 3 }),
      'SGD_BACKEND',
      /setState: .*full/,
    );
    expect([optimizer.iterations, optimizer.learningRate]).toEqual([0, Math.fround(0.1)]);
    expect(optimizer.apply(gradients(1))).toBe(true);
  });
});

describe('a state that does not fit', () => {
  type Loose = { [key: string]: unknown; slots: Record<string, Record<string, unknown>> };
  const change = (edit: (state: Loose) => unknown) => async () => {
    const optimizer = wrapped();
    optimizer.build(start());
    for (let i = 1; i < 4; i++) optimizer.apply(gradients(i));
    const good = (await optimizer.getState()) as unknown as Loose;
    const before = structuredClone(good);
    const edited = edit(good);
    const error = await expectRejection(optimizer.setState((edited ?? good) as unknown as State), 'SGD_STATE_MISMATCH');
    expect(error.message.length).toBeLessThan(3000);
    expect(await optimizer.getState()).toEqual(before);
    return error.message;
  };
  const cases: [RegExp, (state: Loose) => unknown][] = [
    [/state: expected Object, got "x"/, () => 'x'],
    [/state: expected Object, got 0/, () => 0],
    [
      /state\.format: expected "sgd-state\/2", got "sgd-state\/1"/,
      (s) => {
        s.format = 'sgd-state/1';
      },
    ],
    [
      /state\.config\.className: expected "LossScaleOptimizer", got "SGD"/,
      (s) => {
        s.config = { className: 'SGD' };
      },
    ],
    [
      /state\.config\.className/,
      (s) => {
        delete s.config;
      },
    ],
    [
      /state\.iterations: expected a count, got -1/,
      (s) => {
        s.iterations = -1;
      },
    ],
    [
      /state\.iterations: expected a count, got 1.5/,
      (s) => {
        s.iterations = 1.5;
      },
    ],
    [
      /state\.iterations: expected a count, got undefined/,
      (s) => {
        delete s.iterations;
      },
    ],
    [
      /state\.learningRate: expected a number, got "0.1"/,
      (s) => {
        s.learningRate = '0.1';
      },
    ],
    [
      /state\.lossScale: expected Object, got undefined/,
      (s) => {
        delete s.lossScale;
      },
    ],
    [
      /state\.lossScale\.stepCounter: expected a count, got NaN/,
      (s) => {
        (s.lossScale as { stepCounter: number }).stepCounter = Number.NaN;
      },
    ],
    [
      /state\.lossScale\.dynamicScale: expected a number/,
      (s) => {
        (s.lossScale as { dynamicScale: unknown }).dynamicScale = '8';
      },
    ],
    [
      /state\.slots: expected Object, got Array of 0/,
      (s) => {
        s.slots = [] as never;
      },
    ],
    [
      /state\.slots\.b: expected Object, got undefined/,
      (s) => {
        delete s.slots.b;
      },
    ],
    [
      /state\.slots\.c: expected undefined, got Object/,
      (s) => {
        s.slots.c = {};
      },
    ],
    [
      /state\.slots\.b\.momentum: expected Float32Array of 1, got undefined/,
      (s) => {
        delete s.slots.b?.momentum;
      },
    ],
    [
      /b\.momentum: expected Float32Array of 1, got Float32Array of 2/,
      (s) => {
        (s.slots.b as Record<string, unknown>).momentum = f32(1, 2);
      },
    ],
    [
      /b\.momentum: expected Float32Array of 1, got Float64Array of 1/,
      (s) => {
        (s.slots.b as Record<string, unknown>).momentum = new Float64Array(1);
      },
    ],
    [
      /b\.momentum: expected Float32Array of 1, got "Float32Array of 1"/,
      (s) => {
        (s.slots.b as Record<string, unknown>).momentum = 'Float32Array of 1';
      },
    ],
    [
      /b\.velocity: expected undefined, got Float32Array of 1/,
      (s) => {
        (s.slots.b as Record<string, unknown>).velocity = f32(1);
      },
    ],
    [
      /state\.extra/,
      (s) => {
        s.extra = 'x'.repeat(1e7);
      },
    ],
    [
      /state\.xxxx/,
      (s) => {
        s['x'.repeat(1e7)] = 1;
      },
    ],
    [
      /(?:\n- [^\n]+){9}\n- and 11 more$/,
      (s) => {
        for (let i = 0; i < 20; i++) s.slots[`v${i}`] = {};
      },
    ],
    [
      /__proto__: expected undefined, got Object/,
      (s) => {
        s.slots = Object.assign(JSON.parse('{"__proto__": {"b": 1}}'), s.slots);
      },
    ],
    [
      /slots\.b: expected Object, got undefined/,
      (s) => {
        s.slots = Object.create({ b: s.slots.b }, { 'a/w': { value: s.slots['a/w'], enumerable: true } });
      },
    ],
  ];
  it.each(cases)('%s', async (message, edit) => {
    expect(await change(edit)()).toMatch(message);
  });

  it('lists up to nine things that are wrong, and nothing else', async () => {
    const nine = await change((s) => {
      for (let i = 0; i < 9; i++) s.slots[`v${i}`] = {};
    })();
    expect(nine.split('\n- ')).toHaveLength(10);
    expect(nine).not.toMatch(/more/);
  });

  it('lists all that is wrong', async () => {
    const message = await change((s) => {
      s.iterations = 'x';
      delete s.slots.b;
    })();
    expect(message).toMatch(/iterations.*\n.*slots\.b/);
  });

  it('names arrays by the type of the variable', async () => {
    const optimizer = new SGD({ momentum: 0.5 }, cpu());
    optimizer.build({ x: new Float64Array(2) });
    const state = await optimizer.getState();
    await optimizer.setState(state);
    const wrong = { ...state, slots: { x: { momentum: f32(1, 2) } } };
    await expectRejection(
      optimizer.setState(wrong),
      'SGD_STATE_MISMATCH',
      /expected Float64Array of 2, got Float32Array of 2/,
    );
  });

  it('of a wrapper is refused by a plain SGD, and the other way round', async () => {
    const plain = new SGD(OPTIONS, cpu());
    plain.build(start());
    const wrapper = wrapped();
    wrapper.build(start());
    await expectRejection(
      plain.setState(await wrapper.getState()),
      'SGD_STATE_MISMATCH',
      /className.*\n.*lossScale: expected undefined, got Object/,
    );
    await expectRejection(wrapper.setState(await plain.getState()), 'SGD_STATE_MISMATCH', /className/);
    await expectRejection(wrapper.inner.setState(await plain.getState()), 'SGD_UNSUPPORTED');
    expectRefusal(() => wrapper.inner.finalizeVariableValues(), 'SGD_UNSUPPORTED');
  });

  it('takes arrays of another realm', async () => {
    const optimizer = new SGD({ momentum: 0.5 }, cpu());
    optimizer.build({ x: f32(1) });
    const state = await optimizer.getState();
    class Foreign extends Float32Array {}
    await optimizer.setState({ ...state, slots: { x: { momentum: Foreign.of(3) } } });
    expect(await optimizer.read('sgd/x_momentum')).toEqual(f32(3));
  });
});

describe('a state is read once, into copies, before anything is written', () => {
  const made = async (): Promise<{ optimizer: ReturnType<typeof wrapped>; state: State }> => {
    const optimizer = wrapped();
    optimizer.build(start());
    for (let i = 1; i < 6; i++) optimizer.apply(gradients(i));
    return { optimizer, state: await optimizer.getState() };
  };
  const put = (state: State, path: string, slot: string, value: unknown): State => {
    const slots: Record<string, Record<string, unknown>> = structuredClone(state.slots) as never;
    for (const own of Object.values(slots)) for (const values of Object.values(own)) (values as Float32Array).fill(9);
    (slots[path] as Record<string, unknown>)[slot] = value;
    return { ...state, iterations: 7, slots } as unknown as State;
  };

  const liar = Object.defineProperties([1], {
    [Symbol.toStringTag]: { value: 'Float32Array' },
    0: {
      get: () => {
        throw new Error('no');
      },
    },
  });
  const lies: Record<string, () => unknown> = {
    'an array that calls itself one of floats, and throws': () => liar,
    'a proxy around an array': () => new Proxy(f32(1), {}),
    'an object made of its prototype': () => Object.create(Float32Array.prototype),
    'memory that was detached': () => {
      const values = f32(1);
      structuredClone(values, { transfer: [values.buffer] });
      return values;
    },
    'texts that are no base64': () => 'float32:AA=A',
    'texts of too few bytes': () => 'float32:AAA=',
    'texts of another type': () => 'float64:AAAAAAAA8D8=',
  };
  it.each(Object.entries(lies))('%s: refused, and nothing was written', async (_, lie) => {
    const { optimizer, state } = await made();
    const before = await optimizer.getState();
    const wrong = put(state, 'b', 'momentum', lie());
    await expectRejection(
      optimizer.setState(wrong),
      'SGD_STATE_MISMATCH',
      /b\.momentum: expected Float32Array of 1|detached/,
    );
    expect(await optimizer.getState()).toEqual(before);
  });

  it.each(['iterations', 'slots', 'config', 'lossScale'])('a getter of %s that throws', async (key) => {
    const { optimizer, state } = await made();
    const throws = {
      get: () => {
        throw new Error('x'.repeat(1e6));
      },
      enumerable: true,
    };
    const wrong = Object.defineProperty({ ...state }, key, throws);
    const error = await expectRejection(optimizer.setState(wrong), 'SGD_STATE_MISMATCH', /can't be read: Error: xxx/);
    expect(error.message.length).toBeLessThan(500);
    expect(await optimizer.getState()).toEqual(state);
  });

  it('what answers otherwise the second time is taken at its first word', async () => {
    const { optimizer, state } = await made();
    let asked = 0;
    const slots = Object.fromEntries(
      Object.entries(state.slots).map(([path, own]) => [
        path,
        Object.defineProperties(
          {},
          Object.fromEntries(
            Object.entries(own).map(([slot, values]) => {
              const answers = [values, f32(1, 2, 3, 4, 5), 'x'];
              return [slot, { get: () => (asked++, answers.shift()), enumerable: true }];
            }),
          ),
        ),
      ]),
    );
    const counts = [3, Number.NaN];
    const lying = Object.defineProperty({ ...state, slots }, 'iterations', {
      get: () => counts.shift(),
      enumerable: true,
    });
    await optimizer.setState(lying as State);
    expect(asked).toBe(6);
    expect(await optimizer.getState()).toEqual({ ...state, iterations: 3 });
  });

  it('what is written is what was checked, though the memory is shared or changed meanwhile', async () => {
    const base = later();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const backend = {
      ...base,
      async open(...args: Parameters<typeof base.open>) {
        const session = await base.open(...args);
        return {
          ...session,
          write: async (entries: Parameters<typeof session.write>[0]) => {
            await gate;
            return session.write(entries);
          },
        };
      },
    };
    const optimizer = new SGD({ momentum: 0.5 }, backend);
    await optimizer.build({ x: f32(1, 2) });
    const state = await optimizer.getState();
    const shared = new Float32Array(new SharedArrayBuffer(8)).fill(3);
    const set = optimizer.setState({ ...state, slots: { x: { momentum: shared } } });
    shared.fill(-1);
    open();
    await set;
    expect(await optimizer.read('sgd/x_momentum')).toEqual(f32(3, 3));
  });

  it('no counter is restored that could not grow', async () => {
    const { optimizer, state } = await made();
    const most = 2 ** 53 - 1;
    await expectRejection(
      optimizer.setState({ ...state, iterations: most }),
      'SGD_STATE_MISMATCH',
      /iterations: expected a count below 2\^53 - 1, got 9007199254740991/,
    );
    const lossScale = { dynamicScale: 4, stepCounter: most };
    await expectRejection(optimizer.setState({ ...state, lossScale }), 'SGD_STATE_MISMATCH', /stepCounter/);
    await optimizer.setState({ ...state, iterations: most - 1 });
    expect(optimizer.apply(gradients(1))).toBe(true);
    expect((await optimizer.getState()).iterations).toBe(most);
  });
});

describe('JSON', () => {
  const through = (state: State): State => JSON.parse(JSON.stringify(state)) as State;

  it('keeps a state to the bit', async () => {
    const one = new LossScaleOptimizer(new SGD({ momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 }, cpu()));
    const odd = f32(Number.NaN, -0, Number.POSITIVE_INFINITY, 1e-45, 1 / 3);
    one.build({ odd: f32(1, 2, 3, 4, 5), wide: new Float64Array([1 / 3, 5e-324, -0]), none: f32(), 'a/b': f32(7) });
    const state = await one.getState();
    (state.slots.odd!.momentum as Float32Array).set(odd);
    (state.slots.wide!.momentum as Float64Array).set([1 / 3, -5e-324, Number.NaN]);
    const given = { ...state, learningRate: -0, lossScale: { dynamicScale: Number.POSITIVE_INFINITY, stepCounter: 3 } };
    await one.setState(given);
    const text = JSON.stringify(await one.getState());
    const two = new LossScaleOptimizer(new SGD({ momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 }, cpu()));
    two.build({ odd: f32(1, 2, 3, 4, 5), wide: new Float64Array([1 / 3, 5e-324, -0]), none: f32(), 'a/b': f32(7) });
    await two.setState(JSON.parse(text) as State);
    expect(await two.getState()).toEqual(await one.getState());
    const words = (values: unknown): unknown => new Uint32Array((values as Float32Array).buffer);
    expect(words((await two.getState()).slots.odd?.momentum)).toEqual(words(odd));
    expect([Object.is(two.learningRate, -0), two.dynamicScale]).toEqual([true, Number.POSITIVE_INFINITY]);
    expect(text).toMatch(/"float64:/);
    expect(text.length).toBeLessThan(1500);
  });

  it('writes arrays as their type and base64 of their bits, little-endian', async () => {
    const optimizer = new SGD({ momentum: 0.5 }, cpu());
    optimizer.build({ x: f32(1, 2, 3) });
    const state = await optimizer.getState();
    (state.slots.x!.momentum as Float32Array).set([1, -2, 0.5]);
    expect(through(state).slots).toEqual({ x: { momentum: 'float32:AACAPwAAAMAAAAA/' } });
    expect(structuredClone(state)).toEqual(state);
    const bytes = Buffer.from('AACAPwAAAMAAAAA/', 'base64');
    expect(new Float32Array(Uint8Array.from(bytes).buffer)).toEqual(f32(1, -2, 0.5));
  });

  it('refuses what JSON makes of a clone, and says why', async () => {
    const optimizer = new SGD({ momentum: 0.5 }, cpu());
    optimizer.build({ x: f32(1) });
    const spoilt = through(structuredClone(await optimizer.getState()));
    await expectRejection(
      optimizer.setState(spoilt),
      'SGD_STATE_MISMATCH',
      /x\.momentum: expected Float32Array of 1, got Object; to go through JSON, stringify what getState\(\) gave/,
    );
  });
});

describe('variables without names', () => {
  const built = (variables: readonly CpuVariable[], warnings: unknown[]): SGD<CpuVariable, CpuGradient, 'sync'> => {
    const extras = { onWarning: (text: string, { code, paths }: WarningDetails) => warnings.push([code, paths, text]) };
    const optimizer = new SGD({ momentum: 0.5 }, cpu(), extras);
    optimizer.build(variables);
    return optimizer;
  };

  it('are bound by position, say so in the state, and warn once when it is restored', async () => {
    const warnings: unknown[] = [];
    const one = built([f32(1), f32(2)], warnings);
    one.apply([f32(1), f32(3)]);
    const state = JSON.parse(JSON.stringify(await one.getState())) as State;
    expect(state.generatedPaths).toEqual(['variable', 'variable_1']);
    expect(warnings).toEqual([]);
    const two = built([f32(1), f32(2)], warnings);
    await two.setState(state);
    await two.setState(state);
    expect(await two.getState()).toEqual(await one.getState());
    expect(warnings).toEqual([
      ['SGD_UNNAMED_VARIABLES', ['variable', 'variable_1'], expect.stringMatching(/position.*give variables names/)],
    ]);
  });

  it('are those whose name was taken, too; names and records are safe', async () => {
    const named = (name: string): CpuVariable => ({ data: f32(1), shape: [1], name });
    const warnings: unknown[] = [];
    const twice = built([named('w'), named('w')], warnings);
    expect((await twice.getState()).generatedPaths).toEqual(['w_1']);
    const safe = built([named('w'), named('v')], warnings);
    const state = await safe.getState();
    expect(state).not.toHaveProperty('generatedPaths');
    await safe.setState(state);
    expect(warnings).toEqual([]);
    const record = new SGD({}, cpu());
    record.build({ variable: f32(1), variable_1: f32(2) });
    expect(await record.getState()).not.toHaveProperty('generatedPaths');
  });

  it('a list of such paths is checked', async () => {
    const optimizer = built([f32(1)], []);
    const state = await optimizer.getState();
    for (const generatedPaths of ['variable', [1], {}])
      await expectRejection(
        optimizer.setState({ ...state, generatedPaths } as unknown as State),
        'SGD_STATE_MISMATCH',
        /generatedPaths: expected a list of paths/,
      );
  });
});
