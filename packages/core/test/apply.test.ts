import { CosineDecay, LossScaleOptimizer, nonNegative, PiecewiseConstantDecay, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { f32, later, expectRefusal, expectRejection } from './helpers.ts';

describe('apply', () => {
  it('takes a list in build order, a record by path, or a list for named variables', () => {
    const [a, b] = [f32(0), f32(0)];
    const optimizer = new SGD({ learningRate: 1 }, cpu());
    optimizer.build({ a, b });
    optimizer.apply([f32(1), f32(2)]);
    optimizer.apply({ b: f32(2) });
    optimizer.apply([f32(4)], ['a']);
    optimizer.apply([f32(8), f32(16)], [b, a]);
    optimizer.applyGradients([
      [f32(32), b],
      [f32(64), 'a'],
    ]);
    expect([a[0], b[0]]).toEqual([-85, -44]);
    expect(optimizer.iterations).toBe(5);
  });

  it('adds the squares of the global norm in the order of the call', () => {
    // a square of 1 is lost when it is added to 2^24, not when several come before
    const step = (order: string[]): number => {
      const variables = Object.fromEntries(order.map((path) => [path, f32(0)]));
      const optimizer = new SGD({ learningRate: 1, globalClipnorm: 1 }, cpu());
      optimizer.build(variables);
      optimizer.apply(
        order.map((path) => f32(path === 'large' ? 4096 : 1)),
        order,
      );
      return variables.large?.[0] as number;
    };
    const small = ['a', 'b', 'c', 'd', 'e', 'f'];
    expect(step(['large', ...small])).toBe(-1);
    expect(step([...small, 'large'])).toBeGreaterThan(-1);
  });

  it('does nothing with an empty list', () => {
    const optimizer = new SGD({}, cpu());
    expect(optimizer.apply([])).toBe(true);
    optimizer.build([f32(1)]);
    expect(optimizer.apply([])).toBe(true);
    expect(optimizer.apply({})).toBe(true);
    expect(optimizer.apply([], [])).toBe(true);
    expect(optimizer.iterations).toBe(0);
  });

  it('builds on the variables of the first call, as Keras does', async () => {
    const x = f32(1);
    const optimizer = new SGD({ learningRate: 1 }, cpu());
    expect(optimizer.apply([f32(1)], [x])).toBe(true);
    expect(x[0]).toBe(0);
    const async = new SGD({ learningRate: 1 }, later());
    expect(await async.apply([f32(1)], [x])).toBe(true);
    expect(x[0]).toBe(-1);
    expectRefusal(() => new SGD({}, cpu()).apply([f32(1)], ['x'] as never), 'SGD_UNKNOWN_VARIABLE');
    expectRefusal(() => new LossScaleOptimizer(new SGD({}, cpu())).apply([]), 'SGD_NOT_BUILT');
  });

  it('expectRefusal what does not fit, and changes nothing', () => {
    const [a, b] = [f32(1), f32(2, 3)];
    const optimizer = new SGD({ learningRate: 1, momentum: 0.9 }, cpu());
    optimizer.build({ a, b });
    const ok = [f32(1), f32(1, 1)];
    const apply =
      (...args: unknown[]) =>
      () =>
        optimizer.apply(...(args as Parameters<typeof optimizer.apply>));
    expectRefusal(apply([f32(1)]), 'SGD_GRADIENT_COUNT', /expected 2 gradients, one for each variable, got 1/);
    expectRefusal(apply([...ok, f32(1)]), 'SGD_GRADIENT_COUNT', /got 3/);
    expectRefusal(apply(ok, ['a']), 'SGD_GRADIENT_COUNT', /expected 1/);
    expectRefusal(apply([f32(1), f32(1)], ['a', 'a']), 'SGD_GRADIENT_COUNT', /a is given twice/);
    expectRefusal(apply([null, null], ['a', 'a']), 'SGD_GRADIENT_COUNT');
    expectRefusal(apply([f32(1)], ['c']), 'SGD_UNKNOWN_VARIABLE', /"c"/);
    expectRefusal(apply([f32(1)], [f32(1)]), 'SGD_UNKNOWN_VARIABLE', /Float32Array of 1/);
    expectRefusal(apply({ a: f32(1), c: f32(1) }), 'SGD_UNKNOWN_VARIABLE', /"c"/);
    expectRefusal(apply([f32(1), f32(1)]), 'SGD_GRADIENT_SHAPE', /gradient of b: expected shape \[2\] of float32, got/);
    expectRefusal(apply([null, undefined]), 'SGD_NO_GRADIENTS', /2 variables/);
    expectRefusal(apply(f32(1)), 'SGD_INVALID_OPTION', /gradients: .*Float32Array of 1/);
    expectRefusal(
      apply(null),
      'SGD_INVALID_OPTION',
      /gradients: expected an array, or a record by path without variables, got null/,
    );
    expectRefusal(apply({ a: f32(1) }, ['a']), 'SGD_INVALID_OPTION');
    expectRefusal(apply(ok, 'ab'), 'SGD_INVALID_OPTION', /variables: expected an array, got "ab"/);
    expectRefusal(() => optimizer.applyGradients([[f32(1)]] as never), 'SGD_UNKNOWN_VARIABLE');
    expect([...a, ...b, optimizer.iterations]).toEqual([1, 2, 3, 0]);
    optimizer.apply(ok);
    expect([...a, ...b, optimizer.iterations]).toEqual([0, 1, 2, 1]);
  });

  it('warns once per set of variables without gradients, after the step', () => {
    const warnings: unknown[] = [];
    const options = { learningRate: 1, weightDecay: 0.5 };
    const seen = (): number => optimizer.iterations;
    const optimizer = new SGD(options, cpu(), {
      onWarning: (text, { code, paths }) => warnings.push([text, code, paths, seen()]),
    });
    const [a, b, c] = [f32(4), f32(4), f32(4)];
    optimizer.build({ a, b, c });
    optimizer.apply([f32(0), null, f32(0)]);
    optimizer.apply([f32(0), undefined, f32(0)]);
    optimizer.apply({ c: null, a: f32(0), b: undefined });
    optimizer.apply([f32(0), null, f32(0)]);
    expect(warnings).toEqual([
      [expect.stringMatching(/\bb\b/), 'SGD_MISSING_GRADIENTS', ['b'], 1],
      [expect.stringMatching(/c, b/), 'SGD_MISSING_GRADIENTS', ['c', 'b'], 3],
    ]);
    expect([a[0], b[0], c[0]]).toEqual([0.25, 4, 0.5]);
  });

  it('warns on the console where nothing else is asked for', () => {
    const { console: own } = globalThis;
    const lines: unknown[][] = [];
    try {
      globalThis.console = { ...own, warn: (...line: unknown[]) => lines.push(line) };
      const optimizer = new SGD({}, cpu());
      optimizer.build({ a: f32(1), b: f32(1) });
      optimizer.apply([f32(1), null]);
      (globalThis as { console?: unknown }).console = undefined;
      optimizer.apply([null, f32(1)]);
    } finally {
      globalThis.console = own;
    }
    expect(lines).toEqual([[expect.stringContaining('no gradients for b')]]);
  });
});

describe('the counter', () => {
  it('is set before build, for schedules and the state to go on from', async () => {
    const learningRate = new PiecewiseConstantDecay({ boundaries: [5], values: [1, 0.25] });
    const w = f32(1);
    const optimizer = new SGD({ learningRate, gradientAccumulationSteps: 2 }, cpu());
    optimizer.iterations = 3;
    expect([optimizer.iterations, optimizer.learningRate, optimizer.built]).toEqual([3, 0.25, false]);
    optimizer.build({ w });
    for (let i = 0; i < 2; i++) optimizer.apply({ w: f32(1) });
    expect([w[0], optimizer.iterations]).toEqual([0.75, 4]);
    expect((await optimizer.getState()).iterations).toBe(8);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53 - 1, 2 ** 53, '3', null])('is not %s', (iterations) => {
    const optimizer = new SGD({}, cpu());
    expectRefusal(
      () => {
        optimizer.iterations = iterations as number;
      },
      'SGD_INVALID_OPTION',
      /^iterations: expected a count of updates, got /,
    );
    expect(optimizer.iterations).toBe(0);
  });

  it('is not set in the middle, nor where averages would begin as zeros', () => {
    const set = (optimizer: { iterations: number }, iterations: number) => (): void => {
      optimizer.iterations = iterations;
    };
    const built = new SGD({}, cpu());
    built.build({ w: f32(1) });
    expectRefusal(set(built, 1), 'SGD_ALREADY_BUILT', /setState/);
    const averaging = new SGD({ useEma: true }, cpu());
    expectRefusal(set(averaging, 1), 'SGD_INVALID_OPTION', /useEma/);
    set(averaging, 0)();
    const inner = new SGD({}, cpu());
    const wrapper = new LossScaleOptimizer(inner);
    expectRefusal(set(inner, 1), 'SGD_UNSUPPORTED');
    set(wrapper, 1)();
    expect([inner.iterations, wrapper.iterations]).toEqual([1, 1]);
    const disposed = new SGD({}, cpu());
    disposed.dispose();
    expectRefusal(set(disposed, 1), 'SGD_DISPOSED');
  });
});

describe('the learning rate', () => {
  it('is kept as float32, and set by the rules of Keras', () => {
    const optimizer = new SGD({ learningRate: 0.1 }, cpu());
    expect(optimizer.learningRate).toBe(Math.fround(0.1));
    optimizer.learningRate = 1;
    expect(optimizer.getConfig().learningRate).toBe(1);
    expectRefusal(
      () => {
        optimizer.learningRate = 'x' as never;
      },
      'SGD_INVALID_OPTION',
      /learningRate.*"x"/,
    );
    const schedule = new CosineDecay({ initialLearningRate: 0.5, decaySteps: 10 });
    optimizer.learningRate = schedule;
    expect(optimizer.learningRate).toBe(0.5);
    expect(optimizer.getConfig().learningRate).toBe(schedule);
    expectRefusal(
      () => {
        optimizer.learningRate = 0.1;
      },
      'SGD_INVALID_OPTION',
      /can't replace/,
    );
    optimizer.learningRate = () => 0.25;
    expect(optimizer.learningRate).toBe(0.25);
    expectRefusal(() => {
      optimizer.learningRate = 0.1;
    }, 'SGD_INVALID_OPTION');
  });

  it('of a schedule sees micro-batches, that of a function is asked once per update', () => {
    const steps: number[] = [];
    let asked = 0;
    const optimizer = new SGD(
      {
        learningRate: { className: 'Own', call: (step: number) => (steps.push(step), 1), getConfig: () => ({}) },
        gradientAccumulationSteps: 2,
        weightDecay: 0.1,
      },
      cpu(),
    );
    const [a, b] = [f32(0), f32(0)];
    optimizer.build({ a, b });
    for (let i = 0; i < 4; i++) optimizer.apply([f32(1), f32(1)]);
    expect(steps).toEqual([1, 3]);
    expect(optimizer.iterations).toBe(2);
    optimizer.learningRate = () => ++asked;
    for (let i = 0; i < 4; i++) optimizer.apply([f32(1), f32(1)]);
    expect(asked).toBe(2);
  });

  it('that fails expectRefusal the step', () => {
    const x = f32(1);
    const failure = new Error('no rate today');
    let rate: () => unknown = () => {
      throw failure;
    };
    const optimizer = new SGD({ learningRate: () => rate() as number, momentum: 0.5 }, cpu());
    optimizer.build([x]);
    expect(expectRefusal(() => optimizer.apply([f32(1)]), 'SGD_INVALID_OPTION', /no rate today/).cause).toBe(failure);
    rate = () => '0.1';
    expectRefusal(() => optimizer.apply([f32(1)]), 'SGD_INVALID_OPTION', /expected a number back, got "0.1"/);
    expect([x[0], optimizer.iterations]).toEqual([1, 0]);
    rate = () => 1;
    optimizer.apply([f32(1)]);
    expect(x[0]).toBe(0);
  });
});

describe('constraints and overwriting variables', () => {
  it('nonNegative keeps NaN', () => {
    const data = f32(-1, 2, Number.NaN, Number.NEGATIVE_INFINITY, -0);
    nonNegative(data, [5]);
    expect([...data]).toEqual([0, 2, Number.NaN, 0, -0]);
  });

  it('run after the step; the gradient is the value', () => {
    const [w, o] = [f32(1, 2), f32(7)];
    const shapes: unknown[] = [];
    const optimizer = new SGD({ learningRate: 1, clipvalue: 1.5, weightDecay: 0.5 }, cpu());
    optimizer.build(
      { 'l/w': { data: w, shape: [1, 2] }, o },
      {
        overwriteWithGradient: [o],
        constraints: { 'l/w': (data, shape) => (shapes.push(shape), nonNegative(data, shape)) },
      },
    );
    optimizer.apply({ 'l/w': { data: f32(9, 0.5), shape: [1, 2] }, o: f32(9) });
    expect([...w, ...o]).toEqual([0, 0.5, 9]);
    optimizer.apply({ o: f32(10) });
    expect([...w, ...o]).toEqual([0, 0.5, 10]);
    expect(shapes).toEqual([[1, 2]]);
  });
});

describe('scaleLoss', () => {
  it('multiplies by the factor in force', () => {
    expect(new SGD({}, cpu()).scaleLoss(3)).toBe(3);
    expect(new SGD({ lossScaleFactor: 8 }, cpu()).scaleLoss(3)).toBe(24);
    const wrapper = new LossScaleOptimizer(new SGD({}, cpu()), { initialScale: 4, dynamicGrowthSteps: 1 });
    expect(wrapper.scaleLoss(3)).toBe(12);
    wrapper.build([f32(0)]);
    wrapper.apply([f32(1)]);
    expect(wrapper.scaleLoss(3)).toBe(24);
  });
});

describe('dynamic loss scaling', () => {
  it('doubles, halves, and takes the place of the optimizer inside', () => {
    const x = f32(0);
    const inner = new SGD({ learningRate: 1 }, cpu());
    const wrapper = new LossScaleOptimizer(inner, { initialScale: 4, dynamicGrowthSteps: 2 });
    wrapper.build([x]);
    expect(wrapper.apply([f32(4)])).toBe(true);
    expect([x[0], wrapper.stepCounter, wrapper.dynamicScale]).toEqual([-1, 1, 4]);
    expect(wrapper.apply([f32(Number.NaN)])).toBe(false);
    expect([x[0], wrapper.stepCounter, wrapper.dynamicScale, wrapper.iterations]).toEqual([-1, 0, 2, 1]);
    wrapper.apply([]);
    expect(wrapper.stepCounter).toBe(1);
    wrapper.apply([f32(2)]);
    expect([x[0], wrapper.stepCounter, wrapper.dynamicScale, inner.iterations]).toEqual([-2, 0, 4, 2]);
    for (const call of ['apply', 'build'] as const) {
      expectRefusal(
        () => (inner[call] as (list: unknown[]) => unknown)([f32(1)]),
        'SGD_UNSUPPORTED',
        new RegExp(`${call}: call it on the LossScaleOptimizer`),
      );
    }
    expectRefusal(() => inner.dispose(), 'SGD_UNSUPPORTED');
    inner.learningRate = 2;
    expect(wrapper.learningRate).toBe(2);
  });

  it('warns only of steps that were taken', () => {
    const warnings: string[] = [];
    const wrapper = new LossScaleOptimizer(new SGD({}, cpu(), { onWarning: (text) => warnings.push(text) }));
    wrapper.build({ a: f32(0), b: f32(0) });
    wrapper.apply([f32(Number.NaN), null]);
    expect(warnings).toEqual([]);
    wrapper.apply([f32(1), null]);
    expect(warnings).toHaveLength(1);
  });

  it('never grows with 0 growth steps', () => {
    const wrapper = new LossScaleOptimizer(new SGD({}, cpu()), { initialScale: 2, dynamicGrowthSteps: 0 });
    wrapper.build([f32(0)]);
    for (let i = 0; i < 5; i++) wrapper.apply([f32(1)]);
    expect([wrapper.dynamicScale, wrapper.stepCounter]).toEqual([2, 5]);
  });
});

describe('gradients that are not finite', () => {
  const step = (nonFinite?: 'keras' | 'skip' | 'throw') => {
    const x = f32(1, 1);
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, cpu(), { nonFinite });
    optimizer.build([x]);
    return { x, optimizer, run: () => optimizer.apply([f32(1, Number.NaN)]) };
  };

  it('are taken by default, as in Keras', () => {
    const { x, run, optimizer } = step();
    expect([run(), ...x, optimizer.iterations]).toEqual([true, 0, Number.NaN, 1]);
  });

  it('are dropped, or thrown, on demand', () => {
    const skip = step('skip');
    expect([skip.run(), ...skip.x, skip.optimizer.iterations]).toEqual([false, 1, 1, 0]);
    const strict = step('throw');
    expectRefusal(strict.run, 'SGD_NOT_FINITE', /finite gradients/);
    expect([...strict.x, strict.optimizer.iterations]).toEqual([1, 1, 0]);
    expect(strict.optimizer.apply([f32(1, 1)])).toBe(true);
    expect(strict.optimizer.apply([])).toBe(true);
  });

  it('reject on an asynchronous backend', async () => {
    const optimizer = new SGD({}, later(), { nonFinite: 'throw' });
    await optimizer.build([f32(1)]);
    await expectRejection(optimizer.apply([f32(Number.POSITIVE_INFINITY)]), 'SGD_NOT_FINITE');
    expect(await optimizer.apply([f32(1)])).toBe(true);
  });
});
