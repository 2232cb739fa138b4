import { type Feature, LossScaleOptimizer, nonNegative, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { f32, later, expectRefusal, expectRejection } from './helpers.ts';

describe('build', () => {
  it('names variables by record key, own name, or number', () => {
    const optimizer = new SGD({}, cpu());
    const named = (name?: string) => ({ data: f32(1), shape: [1], ...(name && { name }) });
    optimizer.build([named('kernel'), f32(1), named('kernel'), named('kernel'), f32(1), named('variable_1')]);
    const paths = ['kernel', 'variable', 'kernel_1', 'kernel_2', 'variable_1', 'variable_1_1'];
    expect(optimizer.trainablePaths).toEqual(paths);

    const record = new SGD({}, cpu());
    record.build({ 'dense/kernel': named('other'), bias: f32(1) });
    expect(record.trainablePaths).toEqual(['dense/kernel', 'bias']);
  });

  it("lists the optimizer's variables as Keras does", () => {
    const options = { momentum: 0.9, useEma: true, gradientAccumulationSteps: 2, name: 'opt' };
    const optimizer = new SGD(options, cpu());
    expect(optimizer.variables.map((v) => v.path)).toEqual(['opt/iteration', 'opt/learning_rate']);
    optimizer.build({ 'a/b/w': { data: f32(1, 2, 3, 4), shape: [2, 2] }, o: f32(1) }, { overwriteWithGradient: ['o'] });
    expect(optimizer.variables).toEqual([
      { path: 'opt/iteration', shape: [], dtype: 'int32' },
      { path: 'opt/learning_rate', shape: [], dtype: 'float32' },
      { path: 'opt/a_b_w_average', shape: [2, 2], dtype: 'float32' },
      { path: 'opt/a_b_w_gradient_accumulator', shape: [2, 2], dtype: 'float32' },
      { path: 'opt/o_gradient_accumulator', shape: [1], dtype: 'float32' },
      { path: 'opt/a_b_w_momentum', shape: [2, 2], dtype: 'float32' },
    ]);
    optimizer.learningRate = () => 0.1;
    expect(optimizer.variables[1]?.path).toBe('opt/a_b_w_average');
  });

  it('lists those of a wrapper before those of the optimizer inside', () => {
    const wrapper = new LossScaleOptimizer(new SGD({ momentum: 0.5 }, cpu()), { name: 'sgd' });
    wrapper.build([f32(1)]);
    const inner = ['sgd/iteration', 'sgd/learning_rate', 'sgd/variable_momentum'];
    const own = ['sgd/iteration', 'sgd/learning_rate', 'sgd/step_counter', 'sgd/dynamic_scale'];
    expect(wrapper.variables.map((v) => v.path)).toEqual([...own, ...inner]);
    expect(wrapper.variables.map((v) => v.dtype)).toEqual([
      'int32',
      'float32',
      'int32',
      'float32',
      'int32',
      'float32',
      'float32',
    ]);
    expect(wrapper.inner.variables.map((v) => v.path)).toEqual(inner);
  });

  it('expectRefusal what is no list of variables', () => {
    const build = (variables: unknown) => () => new SGD({}, cpu()).build(variables as never);
    expectRefusal(build(null), 'SGD_INVALID_OPTION', /variables: expected an array or a record, got null/);
    expectRefusal(build(f32(1)), 'SGD_INVALID_OPTION', /Float32Array of 1/);
    expectRefusal(build([]), 'SGD_INVALID_OPTION', /at least one/);
    expectRefusal(build({}), 'SGD_INVALID_OPTION', /at least one/);
    expectRefusal(build([3]), 'SGD_UNKNOWN_VARIABLE', /variables: "0": /);
    const picky = {
      ...cpu(),
      describe: () => {
        throw new TypeError('no');
      },
    };
    expectRefusal(
      () => new SGD({}, picky).build([f32(1)]),
      'SGD_UNKNOWN_VARIABLE',
      /"0": expected a variable of the backend "cpu", got Float32Array of 1/,
    );
    expectRefusal(build({ '': f32(1) }), 'SGD_INVALID_OPTION', /path/);
    expectRefusal(build({ 'a/': f32(1) }), 'SGD_INVALID_OPTION', /path/);
    const twice = f32(1);
    expectRefusal(build({ a: twice, b: twice }), 'SGD_INVALID_OPTION', /"b" is given twice/);
  });

  it('happens once, before anything else', () => {
    const optimizer = new SGD({}, cpu());
    expect(optimizer.built).toBe(false);
    for (const call of ['trainableVariables', 'trainablePaths'] as const)
      expectRefusal(() => optimizer[call], 'SGD_NOT_BUILT');
    expectRefusal(() => optimizer.trainableVariable('a'), 'SGD_NOT_BUILT', /trainableVariable: call build/);
    expectRefusal(() => optimizer.apply([f32(1)]), 'SGD_NOT_BUILT');
    expectRefusal(() => optimizer.finalizeVariableValues(), 'SGD_NOT_BUILT');
    optimizer.build([f32(1)]);
    expect(optimizer.built).toBe(true);
    expectRefusal(() => optimizer.build([f32(1)]), 'SGD_ALREADY_BUILT', /build/);
    expectRefusal(() => optimizer.excludeFromWeightDecay({}), 'SGD_ALREADY_BUILT', /excludeFromWeightDecay/);
  });

  it('leaves an optimizer that it refused as it was', () => {
    const optimizer = new SGD({}, cpu());
    expectRefusal(() => optimizer.build([f32(1)], { overwriteWithGradient: ['x'] }), 'SGD_UNKNOWN_VARIABLE');
    expect(optimizer.built).toBe(false);
    optimizer.build([f32(1)]);
    expect(optimizer.apply([f32(1)])).toBe(true);
  });

  it('checks its options', () => {
    const build = (options: unknown) => () => new SGD({}, cpu()).build({ w: f32(1) }, options as object);
    expectRefusal(build({ constraint: {} }), 'SGD_INVALID_OPTION', /build: unknown "constraint"/);
    expectRefusal(
      build({ overwriteWithGradient: 'w' }),
      'SGD_INVALID_OPTION',
      /overwriteWithGradient: expected an array/,
    );
    expectRefusal(build({ overwriteWithGradient: ['v'] }), 'SGD_UNKNOWN_VARIABLE', /"v"/);
    expectRefusal(build({ constraints: [] }), 'SGD_INVALID_OPTION', /constraints/);
    expectRefusal(build({ constraints: { w: 3 } }), 'SGD_INVALID_OPTION', /constraints: w: expected a function, got 3/);
    expectRefusal(build({ constraints: { v: nonNegative } }), 'SGD_UNKNOWN_VARIABLE', /"v"/);
    expectRefusal(build(null), 'SGD_INVALID_OPTION');
  });
});

describe('what a backend does not declare', () => {
  const all = { momentum: 0.9, nesterov: true, weightDecay: 0.1, useEma: true, gradientAccumulationSteps: 2 };
  const cases: [Feature, () => unknown][] = [];
  const without = (feature: Feature) => {
    const backend = cpu();
    return { ...backend, supports: new Set([...backend.supports].filter((f) => f !== feature)) };
  };
  const add = (feature: Feature, run: (backend: ReturnType<typeof cpu>) => unknown): void => {
    cases.push([feature, () => run(without(feature))]);
  };
  for (const feature of ['weight-decay', 'accumulation', 'average'] as const) {
    add(feature, (b) => new SGD(all, b).build([f32(1)]));
  }
  add('finite-check', (b) => new SGD({}, b, { nonFinite: 'skip' }).build([f32(1)]));
  add('finite-check', (b) => new LossScaleOptimizer(new SGD({}, b)).build([f32(1)]));
  add('clip-value', (b) => new SGD({ clipvalue: 1 }, b).build([f32(1)]));
  add('clip-norm', (b) => new SGD({ clipnorm: 1 }, b).build([f32(1)]));
  add('clip-global-norm', (b) => new SGD({ globalClipnorm: 1 }, b).build([f32(1)]));
  add('groups', (b) => new SGD({}, b, { groups: [{ paths: ['w'], learningRate: 1 }] }).build({ w: f32(1) }));
  add('measure', (b) => new SGD({}, b, { measure: ['update-norm'] }).build([f32(1)]));
  add('overwrite', (b) => new SGD({}, b).build({ w: f32(1) }, { overwriteWithGradient: ['w'] }));
  add('constraint', (b) => new SGD({}, b).build({ w: f32(1) }, { constraints: { w: nonNegative } }));
  add('float64', (b) => new SGD({}, b).build([new Float64Array(1)]));

  it.each(cases)('is refused by name: %s', (feature, build) => {
    expectRefusal(build, 'SGD_UNSUPPORTED', new RegExp(`"cpu" does not have ${feature}`));
  });

  it('is not asked for by options that need none of it', () => {
    const backend = { ...cpu(), supports: new Set<Feature>() };
    const optimizer = new SGD({ nesterov: true, clipnorm: 0, globalClipnorm: null }, backend, {
      groups: [{ paths: ['frozen'], frozen: true }],
    });
    optimizer.build({ w: f32(1), frozen: f32(1) });
    expect(optimizer.apply({ w: f32(1) })).toBe(true);
  });

  it('types other than float32 and float64 are refused by name', () => {
    const half = { ...cpu(), describe: () => ({ shape: [1], dtype: 'float16' }) };
    expectRefusal(() => new SGD({}, half).build([f32(1)]), 'SGD_UNSUPPORTED', /"float16"/);
  });
});

describe('an asynchronous backend', () => {
  it('expectRejection, and never throws', async () => {
    const optimizer = new SGD({}, later());
    await expectRejection(optimizer.apply([f32(1)]), 'SGD_NOT_BUILT');
    await expectRejection(optimizer.build([]), 'SGD_INVALID_OPTION');
    await optimizer.build([f32(1)]);
    await expectRejection(optimizer.build([f32(1)]), 'SGD_ALREADY_BUILT');
    await expectRejection(optimizer.apply([f32(1, 2)]), 'SGD_GRADIENT_SHAPE');
    await expectRejection(optimizer.finalizeVariableValues([]), 'SGD_INVALID_OPTION');
    await expectRejection(optimizer.swapAverages(), 'SGD_NO_AVERAGES');
  });

  it('that fails to open leaves the optimizer unbuilt', async () => {
    let fail = true;
    const base = later();
    const flaky = {
      ...base,
      open: (...a: Parameters<typeof base.open>) => (fail ? Promise.reject(new Error('no device')) : base.open(...a)),
    };
    const optimizer = new SGD({}, flaky);
    const error = await expectRejection(
      optimizer.build([f32(1)]),
      'SGD_BACKEND',
      /build: the backend "cpu" failed: Error: no device/,
    );
    expect((error.cause as Error).message).toBe('no device');
    expect(optimizer.built).toBe(false);
    fail = false;
    await optimizer.build([f32(1)]);
    expect(await optimizer.apply([f32(1)])).toBe(true);
  });
});
