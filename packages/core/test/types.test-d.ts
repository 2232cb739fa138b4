import { type Backend, deserialize, LossScaleOptimizer, type Optimizer, SGD, type State } from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import { expectTypeOf, test } from 'vitest';

declare const async: Backend<{ handle: number }, string, 'async'>;
declare const either: Backend<{ handle: number }, string>;

test('a synchronous backend makes synchronous calls', () => {
  const optimizer = new SGD({ learningRate: 0.1 }, cpu());
  expectTypeOf(optimizer).toEqualTypeOf<SGD<CpuVariable, CpuGradient, 'sync'>>();
  expectTypeOf<ReturnType<typeof optimizer.apply>>().toEqualTypeOf<boolean>();
  expectTypeOf<ReturnType<typeof optimizer.build>>().toEqualTypeOf<void>();
  expectTypeOf<ReturnType<typeof optimizer.finalizeVariableValues>>().toEqualTypeOf<void>();
  expectTypeOf<ReturnType<typeof optimizer.getState>>().toEqualTypeOf<Promise<State>>();
  expectTypeOf(optimizer.learningRate).toEqualTypeOf<number>();
  const wrapper = new LossScaleOptimizer(optimizer);
  expectTypeOf<ReturnType<typeof wrapper.apply>>().toEqualTypeOf<boolean>();
});

test('an asynchronous one makes promises', () => {
  const optimizer = new SGD({}, async);
  expectTypeOf<ReturnType<typeof optimizer.apply>>().toEqualTypeOf<Promise<boolean>>();
  expectTypeOf<ReturnType<typeof optimizer.build>>().toEqualTypeOf<Promise<void>>();
  expectTypeOf<ReturnType<typeof optimizer.dispose>>().toEqualTypeOf<Promise<void>>();
  expectTypeOf(optimizer.trainableVariables).toEqualTypeOf<readonly { handle: number }[]>();
  const wrapper = new LossScaleOptimizer(optimizer);
  expectTypeOf<ReturnType<typeof wrapper.apply>>().toEqualTypeOf<Promise<boolean>>();
});

test('one that may be either makes both', () => {
  const optimizer = new SGD({}, either);
  expectTypeOf<ReturnType<typeof optimizer.apply>>().toEqualTypeOf<boolean | Promise<boolean>>();
});

test('gradients and variables are those of the engine', () => {
  const optimizer = new SGD({}, async);
  expectTypeOf<['gradient', null]>().toExtend<Parameters<typeof optimizer.apply>[0]>();
  expectTypeOf<[{ handle: number }, string]>().toExtend<Parameters<typeof optimizer.apply>[1]>();
  // @ts-expect-error a gradient of another engine
  void optimizer.apply([new Float32Array(1)]);
  // @ts-expect-error options are in camelCase
  void new SGD({ learning_rate: 1 }, async);
  // @ts-expect-error a backend is needed
  void new SGD({});
});

test('what is read from JSON is one of two, or null', () => {
  const read = deserialize('sgd', cpu());
  expectTypeOf(read).extract<null>().toEqualTypeOf<null>();
  expectTypeOf(read).exclude<null>().toExtend<Optimizer<CpuVariable, CpuGradient, 'sync'>>();
});
