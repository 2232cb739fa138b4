import { readFileSync } from 'node:fs';
import { defineOptimizer, LossScaleOptimizer, type OptimizerOptions, SGD } from '@sgd/core';
import { onnxruntime, type OnnxTensor, type OrtTensors, trainingSession, type TrainingSession } from '@sgd/onnxruntime';
import { beforeAll, describe, expect, it } from 'vitest';
import { AdamLike, TrustPower } from '../../../tests/support/rules.ts';
import { loadOrt, tensorOf, type TestOrt } from './engines.ts';
import { batch, small } from './fixtures/small.mjs';

const model = new Uint8Array(readFileSync(new URL('fixtures/small.onnx', import.meta.url)));
const names = Object.keys(small()) as (keyof ReturnType<typeof small>)[];
const shapes = { hidden_weight: [8, 6], hidden_bias: [8], output_weight: [3, 8], output_bias: [3] };

/** Slots and scalars whose names a session has a use for, too; one slot that never changes. */
const Awkward = defineOptimizer({
  className: 'Awkward',
  options: { update: 0.5, notFinite: 2 },
  rule: {
    scalars: ['update', 'notFinite'],
    slots: () => [{ name: 'next', initial: 1 }, { name: 'same', initial: 0.25 }, { name: 'filled' }],
    update(o, _config, { x, g, next, same }, { learningRate, update, notFinite }) {
      const moved = o.add(o.mul(next, update), o.mul(g, notFinite));
      return { x: o.sub(x, o.mul(o.mul(moved, same), learningRate)), next: moved, filled: o.constant(7) };
    },
  },
});

describe.each(['node', 'wasm'])('on %s', (variant) => {
  let ort: TestOrt;
  beforeAll(async () => {
    ort = await loadOrt(variant);
  });
  const feeds = (step: number): OrtTensors => {
    const { images, labels } = batch(step);
    return { images: tensorOf(ort, images, [16, 6]), labels: tensorOf(ort, labels, [16, 3]) };
  };
  const open = (Optimizer: typeof Awkward | typeof AdamLike, options: OptimizerOptions): Promise<TrainingSession> =>
    trainingSession({
      ort,
      model,
      parameters: small(),
      loss: 'loss',
      optimizer: (backend) => new Optimizer(options, backend, { onWarning: () => {} }),
    });

  const around = { weightDecay: 0.01, useEma: true, emaOverwriteFrequency: 2, gradientAccumulationSteps: 2 };
  it.each([
    ['AdamLike', AdamLike, {}],
    ['AdamLike and all around it', AdamLike, { ...around, globalClipnorm: 0.05 }],
    ['TrustPower', TrustPower, {}],
    ['TrustPower and all around it', TrustPower, { ...around, clipnorm: 0.05, lossScaleFactor: 4 }],
    ['Awkward', Awkward, { ...around, clipvalue: 0.05 }],
  ])('%s takes the steps that it takes on the backend', async (_name, Class, options) => {
    const Optimizer = Class as typeof Awkward;
    const training = await open(Optimizer, options);
    const apart = new Optimizer(options, onnxruntime({ ort }), { onWarning: () => {} });
    const weights: Record<string, OnnxTensor> = {};
    for (const name of names) weights[name] = tensorOf(ort, small()[name], shapes[name]);
    await apart.build(weights);
    const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
    for (let step = 0; step < 6; step++) {
      const seed = tensorOf(ort, [apart.scaleLoss(1)], [1, 1]);
      const made = await session.run({ ...feeds(step), ...(weights as OrtTensors), adj_loss: seed } as never);
      await apart.apply(names.map((name) => tensorOf(ort, made[`adj_${name}`]!.data as Float32Array, shapes[name])));
      expect((await training.step(feeds(step))).taken).toBe(true);
    }
    expect(await training.read()).toEqual(await apart.readAll());
    expect(await training.optimizer.getState()).toEqual(await apart.getState());
    await session.release();
    for (const each of [training, apart]) await each.dispose();
  });

  it.each([
    ['AdamLike', AdamLike, { gradientAccumulationSteps: 2 }],
    ['TrustPower', TrustPower, {}],
    ['Awkward', Awkward, {}],
  ])('a trainer of %s goes on from where it is', async (_name, Class, options) => {
    const training = await open(Class as typeof Awkward, { learningRate: 0.1, ...options });
    for (let step = 0; step < 3; step++) await training.step(feeds(step));
    const bytes = await training.exportTrainer();
    const trainer = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    await training.step(feeds(3));
    const { slots } = await training.optimizer.getState();
    const made = await trainer.run(feeds(3) as never);
    const weights = await training.read();
    for (const name of names) {
      expect(made[`${name}.next`]!.data, name).toEqual(weights[name]);
      for (const [slot, values] of Object.entries(slots[name]!)) {
        const output = slot === 'next' ? `${name}.next_.next` : `${name}.${slot}.next`;
        expect(made[output]!.data, output).toEqual(values);
      }
    }
    await trainer.release();
    await training.dispose();
  });

  it('under a dynamic loss scale a step of any rule is dropped whole', async () => {
    const training = await trainingSession({
      ort,
      model,
      parameters: small(),
      loss: 'loss',
      optimizer: (backend) => new LossScaleOptimizer(new AdamLike({}, backend), { initialScale: 2 ** 127 }),
    });
    const { images, labels } = batch(0);
    const large = tensorOf(
      ort,
      images.map((x) => 1000 * x),
      [16, 6],
    );
    const before = await training.optimizer.getState();
    const { taken } = await training.step({ images: large, labels: tensorOf(ort, labels, [16, 3]) });
    expect(taken).toBe(false);
    expect((await training.optimizer.getState()).slots).toEqual(before.slots);
    expect(await training.read()).toEqual(small());
    await training.dispose();
  });

  it('metadata has the JSON of optimizers that Keras has, and of others nothing', async () => {
    const text = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
    const training = await open(AdamLike, {});
    const other = await open(SGD as never, {});
    expect(text(await training.exportTrainer())).not.toContain('class_name');
    expect(text(await other.exportTrainer())).toContain('"class_name":"SGD"');
    for (const each of [training, other]) await each.dispose();
  });
});
