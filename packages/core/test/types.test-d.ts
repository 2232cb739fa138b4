import {
  type ArraySGD,
  type Backend,
  deserialize,
  LossScaleOptimizer,
  type Optimizer,
  type RuleOptimizer,
  serialize,
  SGD,
  type State,
} from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
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

test('what is read from JSON is one of two; null only where null may be given', () => {
  type Read = RuleOptimizer<CpuVariable, CpuGradient, 'sync'> | LossScaleOptimizer<CpuVariable, CpuGradient, 'sync'>;
  const sgd = new SGD({}, cpu());
  expectTypeOf(deserialize('sgd', cpu())).toEqualTypeOf<Read>();
  expectTypeOf(deserialize(serialize(sgd), cpu())).toEqualTypeOf<Read>();
  expectTypeOf(deserialize(JSON.parse('null'), cpu())).toEqualTypeOf<Read | null>();
  expectTypeOf(deserialize(null, cpu())).toEqualTypeOf<null>();
  expectTypeOf(deserialize({} as unknown, cpu())).toEqualTypeOf<Read | null>();
  const optimizer: Optimizer<CpuVariable, CpuGradient, 'sync'> = deserialize('sgd', cpu());
  expectTypeOf(optimizer.iterations).toEqualTypeOf<number>();
});

test('an SGD on typed arrays has a short type', async () => {
  expectTypeOf(new SGD({}, cpu())).toExtend<ArraySGD>();
  expectTypeOf(new SGD({}, await wasm())).toExtend<ArraySGD>();
  const use = (optimizer: ArraySGD): boolean => {
    optimizer.build([new Float32Array(1), { data: new Float64Array(1), shape: [] }]);
    return optimizer.apply([new Float32Array(1), null]);
  };
  expectTypeOf(use).toBeCallableWith(new SGD({}, cpu()));
  expectTypeOf(use).toBeCallableWith(new SGD({}, await wasm()));
  // @ts-expect-error an engine whose steps are promises
  use(new SGD({}, async));
});

test('a loss-scale optimizer is copied from its config', () => {
  const optimizer = new LossScaleOptimizer(new SGD({}, cpu()));
  const copy = LossScaleOptimizer.fromConfig(optimizer.getConfig(), async);
  expectTypeOf(copy).toEqualTypeOf<LossScaleOptimizer<{ handle: number }, string, 'async'>>();
  LossScaleOptimizer.fromConfig({ innerOptimizer: { momentum: 0.9 }, initialScale: 8 }, cpu());
  // @ts-expect-error there is nothing to wrap
  LossScaleOptimizer.fromConfig({ initialScale: 8 }, cpu());
});
