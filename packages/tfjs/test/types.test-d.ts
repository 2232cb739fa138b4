import { CosineDecay, LossScaleOptimizer, SGD, type TfjsBackend, tfjs } from '@sgd/tfjs';
import { type Defined, defineSGD } from '@sgd/tfjs/define';
import { type Backend, SGD as CoreSGD } from '@sgd/core';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { expectTypeOf, it } from 'vitest';

it('is what compile, fit and minimize take', () => {
  const optimizer = new SGD({
    learningRate: new CosineDecay({ initialLearningRate: 0.1, decaySteps: 9 }),
    useEma: true,
  });
  expectTypeOf(optimizer).toExtend<tf.Optimizer>();
  expectTypeOf<layers.ModelCompileArgs>().toHaveProperty('optimizer');
  const args: layers.ModelCompileArgs = { optimizer, loss: 'meanSquaredError' };
  const fit: layers.ModelFitArgs = { callbacks: optimizer.callbacks() };
  const early: layers.ModelFitArgs = { callbacks: optimizer.callbacks(layers.callbacks.earlyStopping()) };
  const listed: layers.ModelFitArgs = { callbacks: [layers.callbacks.earlyStopping(), ...optimizer.callbacks()] };
  expectTypeOf([args, fit, early, listed]).toBeArray();
  expectTypeOf(optimizer.minimize(() => tf.scalar(1))).toEqualTypeOf<tf.Scalar | null>();
  expectTypeOf(optimizer.learningRate).toBeNumber();
  optimizer.learningRate = new CosineDecay({ initialLearningRate: 0.1, decaySteps: 9 });
  optimizer.constrain(layers.sequential());
  // @ts-expect-error: no such option
  new SGD({ learning_rate: 1 });
  // @ts-expect-error: it would do nothing in tfjs, so that ours does not have it
  optimizer.setMomentum(0.5);
});

it('wraps an SGD only', () => {
  const optimizer = new LossScaleOptimizer(new SGD(), { initialScale: 4 });
  expectTypeOf(optimizer.inner).toEqualTypeOf<SGD>();
  expectTypeOf(optimizer.dynamicScale).toBeNumber();
  // @ts-expect-error: an optimizer of tfjs
  new LossScaleOptimizer(tf.train.sgd(1));
});

it('is made from its config, and registered, as other classes of tfjs', () => {
  const optimizer = new SGD({ momentum: 0.9 });
  expectTypeOf(SGD.fromConfig(SGD, optimizer.getConfig())).toEqualTypeOf<SGD>();
  const scaled = new LossScaleOptimizer(optimizer);
  const again = LossScaleOptimizer.fromConfig(LossScaleOptimizer, scaled.getConfig());
  expectTypeOf(again).toEqualTypeOf<LossScaleOptimizer>();
  class Mine extends SGD {
    readonly mine = true;
  }
  expectTypeOf(Mine.fromConfig(Mine, optimizer.getConfig())).toEqualTypeOf<Mine>();
  tf.serialization.registerClass(SGD);
  tf.serialization.registerClass(LossScaleOptimizer);
  const defined = defineSGD(tf);
  expectTypeOf(defined.SGD.fromConfig(defined.SGD, optimizer.getConfig())).toEqualTypeOf<SGD>();
  // @ts-expect-error: no config
  SGD.fromConfig(SGD, 3);
});

it('is an engine for core', () => {
  expectTypeOf(tfjs()).toEqualTypeOf<TfjsBackend>();
  expectTypeOf(tfjs()).toExtend<Backend<tf.Variable, tf.Tensor, 'sync'>>();
  expectTypeOf(new CoreSGD({}, tfjs()).apply([])).toBeBoolean();
});

it('is defined for any copy, and for both parts of tfjs in one', () => {
  expectTypeOf(defineSGD(tf)).toEqualTypeOf<Defined>();
  expectTypeOf(defineSGD({ ...tf, ...layers })).toEqualTypeOf<Defined>();
});
