import { LossScaleOptimizer, SGD, SgdError } from '@sgd/core';
import type { CpuGradient, CpuVariable } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { f32, later } from './helpers.ts';

type Sgd = SGD<CpuVariable, CpuGradient, 'async'>;
type Wrapper = LossScaleOptimizer<CpuVariable, CpuGradient, 'async'>;

/** Every method, setter and getter of an optimizer. */
const calls = {
  apply: (o) => o.apply([f32(1)]),
  'apply([], undefined)': (o) => o.apply([]),
  'apply(gradients, variables)': (o) => o.apply([f32(1)], ['x']),
  applyGradients: (o) => o.applyGradients([[f32(1), 'x']]),
  build: (o) => o.build({ y: f32(1) }),
  excludeFromWeightDecay: (o) => o.excludeFromWeightDecay({ names: ['x'] }),
  finalizeVariableValues: (o) => o.finalizeVariableValues(),
  swapAverages: async (o) => {
    await o.swapAverages();
    await o.swapAverages();
  },
  'learningRate = 1': (o) => {
    o.learningRate = 1;
  },
  getState: (o) => o.getState(),
  setState: (o) => o.setState({} as never),
  read: (o) => o.read('x'),
  readAll: (o) => o.readAll(),
  measured: (o) => o.measured(),
  'new LossScaleOptimizer': (o) => new LossScaleOptimizer(o as Sgd),
  dispose: (o) => o.dispose(),
  trainableVariables: (o) => o.trainableVariables,
  trainablePaths: (o) => o.trainablePaths,
  trainableVariable: (o) => o.trainableVariable('x'),
  variables: (o) => o.variables,
  built: (o) => o.built,
  iterations: (o) => o.iterations,
  learningRate: (o) => o.learningRate,
  getConfig: (o) => o.getConfig(),
  scaleLoss: (o) => o.scaleLoss(1),
} satisfies Record<string, (optimizer: Sgd | Wrapper) => unknown>;

type Call = keyof typeof calls;
const getters: readonly Call[] = ['variables', 'built', 'iterations', 'learningRate', 'getConfig', 'scaleLoss'];
const trained: readonly Call[] = ['trainableVariables', 'trainablePaths', 'trainableVariable'];
const reads: readonly Call[] = ['read', 'readAll', 'measured'];
const ofAll = (names: readonly Call[], code: string): Partial<Record<Call, string>> =>
  Object.fromEntries(names.map((name) => [name, code]));

interface Situation {
  /** What a call is answered that is not named below. */
  readonly others: string;
  readonly answers: Partial<Record<Call, string>>;
  /** Brings an optimizer there, and out of it. */
  readonly enter: () => Promise<readonly [optimizer: Sgd | Wrapper, leave: () => unknown]>;
}

const options = { momentum: 0.5, useEma: true };
const make = (backend = later()): Sgd => new SGD(options, backend, { measure: ['update-norm'] });
const built = async (backend = later()): Promise<Sgd> => {
  const optimizer = make(backend);
  await optimizer.build({ x: f32(1) });
  await optimizer.apply([f32(1)]);
  return optimizer;
};

const situations: Readonly<Record<string, Situation>> = {
  unbuilt: {
    others: 'SGD_NOT_BUILT',
    answers: {
      ...ofAll([...getters, 'apply([], undefined)', 'build', 'excludeFromWeightDecay', 'learningRate = 1'], 'done'),
      ...ofAll(['dispose', 'new LossScaleOptimizer'], 'done'),
      'apply(gradients, variables)': 'SGD_UNKNOWN_VARIABLE',
      applyGradients: 'SGD_UNKNOWN_VARIABLE',
    },
    enter: async () => [make(), () => {}],
  },
  built: {
    others: 'done',
    answers: {
      ...ofAll(['build', 'excludeFromWeightDecay', 'new LossScaleOptimizer'], 'SGD_ALREADY_BUILT'),
      setState: 'SGD_STATE_MISMATCH',
    },
    enter: async () => [await built(), () => {}],
  },
  'a build in flight': {
    others: 'SGD_BUSY',
    answers: { ...ofAll([...getters, ...reads, 'getState'], 'done'), ...ofAll(trained, 'SGD_NOT_BUILT') },
    enter: async () => {
      const optimizer = make();
      const building = optimizer.build({ x: f32(1) });
      return [optimizer, () => building];
    },
  },
  'a first step in flight': {
    others: 'SGD_BUSY',
    answers: { ...ofAll([...getters, ...reads, 'getState'], 'done'), ...ofAll(trained, 'SGD_NOT_BUILT') },
    enter: async () => {
      const optimizer = make();
      const step = optimizer.apply([f32(1)], [{ data: f32(1), shape: [1], name: 'x' }]);
      return [optimizer, () => step];
    },
  },
  'a step in flight': {
    others: 'SGD_BUSY',
    answers: ofAll([...getters, ...trained, ...reads, 'getState'], 'done'),
    enter: async () => {
      const backend = later();
      const optimizer = await built(backend);
      const open = backend.hold();
      const step = optimizer.apply([f32(1)]);
      return [optimizer, () => (open(), step)];
    },
  },
  'averages swapped in': {
    others: 'SGD_BUSY',
    answers: {
      ...ofAll([...getters, ...trained, ...reads, 'swapAverages', 'dispose', 'learningRate = 1'], 'done'),
      excludeFromWeightDecay: 'SGD_ALREADY_BUILT',
    },
    enter: async () => {
      const optimizer = await built();
      await optimizer.swapAverages();
      return [optimizer, () => {}];
    },
  },
  disposed: {
    others: 'SGD_DISPOSED',
    answers: { ...ofAll(getters, 'done'), dispose: 'done' },
    enter: async () => {
      const optimizer = await built();
      await optimizer.dispose();
      return [optimizer, () => {}];
    },
  },
  'disposed before it was built': {
    others: 'SGD_DISPOSED',
    answers: { ...ofAll(getters, 'done'), dispose: 'done' },
    enter: async () => {
      const optimizer = make();
      await optimizer.dispose();
      return [optimizer, () => {}];
    },
  },
  wrapped: {
    others: 'SGD_UNSUPPORTED',
    // the rate is the inner optimizer's, as in Keras; reading changes nothing
    answers: {
      ...ofAll([...getters, 'learningRate = 1'], 'done'),
      ...ofAll([...trained, ...reads, 'getState'], 'SGD_NOT_BUILT'),
    },
    enter: async () => {
      const optimizer = make();
      new LossScaleOptimizer(optimizer);
      return [optimizer, () => {}];
    },
  },
  'wrapped and built': {
    others: 'SGD_UNSUPPORTED',
    answers: ofAll([...getters, ...trained, ...reads, 'learningRate = 1'], 'done'),
    enter: async () => {
      const optimizer = make();
      await new LossScaleOptimizer(optimizer).build({ x: f32(1) });
      return [optimizer, () => {}];
    },
  },
  'the wrapper': {
    others: 'done',
    answers: {
      ...ofAll(['build', 'excludeFromWeightDecay'], 'SGD_ALREADY_BUILT'),
      setState: 'SGD_STATE_MISMATCH',
      'new LossScaleOptimizer': 'SGD_INVALID_OPTION',
    },
    enter: async () => {
      const wrapper = new LossScaleOptimizer(make());
      await wrapper.build({ x: f32(1) });
      await wrapper.apply([f32(1)]);
      return [wrapper, () => {}];
    },
  },
  'the wrapper, its build in flight': {
    others: 'SGD_BUSY',
    answers: {
      ...ofAll([...getters, ...reads, 'getState'], 'done'),
      ...ofAll(trained, 'SGD_NOT_BUILT'),
      'new LossScaleOptimizer': 'SGD_INVALID_OPTION',
    },
    enter: async () => {
      const wrapper = new LossScaleOptimizer(make());
      const building = wrapper.build({ x: f32(1) });
      return [wrapper, () => building];
    },
  },
};

async function answer(call: () => unknown, leave: () => unknown): Promise<unknown> {
  let result: unknown;
  try {
    // a call that waits for the one in flight is not to be waited for before that has ended
    result = call();
    await Promise.all([result, leave()]);
    return 'done';
  } catch (error) {
    await leave();
    return error instanceof SgdError ? error.code : error;
  }
}

describe.each(Object.entries(situations))('%s', (_, { others, answers, enter }) => {
  it.each(Object.keys(calls) as Call[])('%s', async (name) => {
    const [optimizer, leave] = await enter();
    expect(await answer(() => calls[name](optimizer), leave)).toBe(answers[name] ?? others);
  });
});

it('lists all that an optimizer has', () => {
  const members = new Set(
    [SGD.prototype, Object.getPrototypeOf(SGD.prototype) as object, LossScaleOptimizer.prototype].flatMap((prototype) =>
      Object.getOwnPropertyNames(prototype),
    ),
  );
  const unlisted = [...members].filter((name) => !Object.hasOwn(calls, name));
  expect(unlisted.sort()).toEqual(['constructor', 'dynamicScale', 'stepCounter']);
});

it('an exclusion counts that was made on the wrapper', async () => {
  const x = f32(1);
  const wrapper = new LossScaleOptimizer(new SGD({ learningRate: 1, weightDecay: 0.5 }, later()), { initialScale: 1 });
  wrapper.excludeFromWeightDecay({ names: ['x'] });
  await wrapper.build({ x });
  await wrapper.apply([f32(0)]);
  expect(x[0]).toBe(1);
});
