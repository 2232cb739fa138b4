import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { LossScaleOptimizer, SGD, SgdError, type SGDOptions } from '@sgd/core';
import { onnxruntime, type OnnxTensor, type OrtTensors, trainingSession, type TrainingOptions } from '@sgd/onnxruntime';
import onnxProto from 'onnx-proto';
import { beforeAll, describe, expect, it } from 'vitest';
import { encode } from '../src/protobuf.ts';
import { trainDigits } from './digits.ts';
import { counted, loadOrt, tensorOf, type TestOrt } from './engines.ts';
import { held } from './memory.ts';
import { batch, small, smallOptimizer } from './fixtures/small.mjs';

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
const { onnx } = onnxProto;
const names = Object.keys(small()) as (keyof ReturnType<typeof small>)[];
const shapes = { hidden_weight: [8, 6], hidden_bias: [8], output_weight: [3, 8], output_bias: [3] };

/** What a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<SgdError> {
  const error: unknown = await promise.then(
    () => new Error('nothing was thrown'),
    (each: unknown) => each,
  );
  if (error instanceof SgdError) return error;
  throw error;
}

describe.each(['node', 'wasm'])('on %s', (variant) => {
  let ort: TestOrt;
  beforeAll(async () => {
    ort = await loadOrt(variant);
  });
  const feeds = (step: number): OrtTensors => {
    const { images, labels } = batch(step);
    return { images: tensorOf(ort, images, [16, 6]), labels: tensorOf(ort, labels, [16, 3]) };
  };
  const open = (more: Partial<TrainingOptions> = {}): ReturnType<typeof trainingSession> =>
    trainingSession({
      ort,
      model: fixture('small.onnx'),
      parameters: small(),
      loss: 'loss',
      optimizer: smallOptimizer,
      ...more,
    });

  describe('takes the steps that the gradients of the model and the backend take', () => {
    const everything = { momentum: 0.9, nesterov: true, weightDecay: 0.01, useEma: true, emaMomentum: 0.5 };
    it.each<[string, SGDOptions]>([
      ['plain', { learningRate: 0.1 }],
      ['momentum', { learningRate: 0.1, momentum: 0.9 }],
      ['clipvalue', { learningRate: 0.1, clipvalue: 0.01 }],
      ['clipnorm', { learningRate: 0.1, clipnorm: 0.02 }],
      ['global norm', { ...smallOptimizer, globalClipnorm: 0.05 }],
      ['averages', { ...everything, learningRate: 0.1, emaOverwriteFrequency: 3 }],
      ['accumulation', { ...everything, learningRate: 0.1, gradientAccumulationSteps: 3, clipnorm: 0.01 }],
      ['a static loss scale', { learningRate: 0.1, momentum: 0.9, lossScaleFactor: 64 }],
    ])('%s', async (_name, options) => {
      const training = await open({ optimizer: options });
      const backend = onnxruntime({ ort });
      const apart = new SGD(options, backend);
      const weights: Record<string, OnnxTensor> = {};
      for (const name of names) weights[name] = tensorOf(ort, small()[name], shapes[name]);
      await apart.build(weights);
      const model = await ort.InferenceSession.create(fixture('small.onnx'), { logSeverityLevel: 3 });
      for (let step = 0; step < 9; step++) {
        const seed = tensorOf(ort, [apart.scaleLoss(1)], [1, 1]);
        const made = await model.run({ ...feeds(step), ...(weights as OrtTensors), adj_loss: seed } as never);
        const gradients = names.map((name) => tensorOf(ort, made[`adj_${name}`]!.data as Float32Array, shapes[name]));
        await apart.apply(gradients);
        const { loss, taken } = await training.step(feeds(step));
        expect([loss, taken]).toEqual([(made['loss']!.data as Float32Array)[0], true]);
      }
      const [here, there] = [await training.read(), await apart.readAll()];
      for (const name of names) expect(here[name], name).toEqual(there[name]);
      const [state, other] = [await training.optimizer.getState(), await apart.getState()];
      expect(state).toEqual(other);
      await training.optimizer.setState(other);
      await model.release();
      await training.dispose();
      await apart.dispose();
    });
  });

  it('gives the outputs that are asked for, of before the update', async () => {
    const training = await open();
    const { outputs, loss } = await training.step(feeds(0), ['logits', 'adj_hidden_bias']);
    expect(Object.keys(outputs)).toEqual(['logits', 'adj_hidden_bias']);
    expect(outputs['logits']!.dims).toEqual([16, 3]);
    const again = await open();
    expect((await again.step(feeds(0))).loss).toBe(loss);
    for (const each of [training, again]) await each.dispose();
  });

  it('under a dynamic loss scale drops the steps whose gradients are not finite, and feeds the scale to the seed', async () => {
    const training = await open({
      optimizer: (backend) =>
        new LossScaleOptimizer(new SGD({ learningRate: 0.1, momentum: 0.9 }, backend), {
          initialScale: 2 ** 127,
          dynamicGrowthSteps: 1000,
        }),
    });
    const before = await training.read();
    // so large that gradients become infinite
    const large = (step: number): OrtTensors => {
      const { images, labels } = batch(step);
      return {
        images: tensorOf(
          ort,
          images.map((x) => 1000 * x),
          [16, 6],
        ),
        labels: tensorOf(ort, labels, [16, 3]),
      };
    };
    const taken: boolean[] = [];
    const kept: boolean[] = [];
    let losses = 0;
    for (let step = 0; step < 60 && !taken.includes(true); step++) {
      const result = await training.step(large(step));
      kept.push(result.taken || isDeepStrictEqual(await training.read(), before));
      taken.push(result.taken);
      losses += result.loss;
    }
    expect(taken[0]).toBe(false);
    expect(kept).not.toContain(false);
    expect(taken.at(-1)).toBe(true);
    expect(Number.isFinite(losses)).toBe(true);
    const plain = await open({ optimizer: { learningRate: 0.1, momentum: 0.9 } });
    await plain.step(large(taken.length - 1));
    const [scaled, unscaled] = [await training.read(), await plain.read()];
    // powers of two: the same bits
    for (const name of names) expect(scaled[name], name).toEqual(unscaled[name]);
    for (const each of [training, plain]) await each.dispose();
  });

  it.each<[string, SGDOptions]>([
    ['clipnorm', { clipnorm: 1 }],
    ['a global norm', { globalClipnorm: 1 }],
    ['a global norm, with accumulation', { globalClipnorm: 1, gradientAccumulationSteps: 2 }],
  ])('drops the updates whose norm is not finite, of gradients that are: %s', async (_name, clip) => {
    const training = await open({
      optimizer: (backend) => new SGD({ learningRate: 0.1, momentum: 0.9, ...clip }, backend, { nonFinite: 'skip' }),
    });
    const { images, labels } = batch(0);
    const large = images.map((x) => 1e25 * x);
    const huge = { images: tensorOf(ort, large, [16, 6]), labels: tensorOf(ort, labels, [16, 3]) };
    if (clip.gradientAccumulationSteps) await training.step(feeds(0));
    const before = [await training.read(), await training.optimizer.getState()];
    const { taken, outputs } = await training.step(huge, ['adj_hidden_weight']);
    const gradient = outputs['adj_hidden_weight']!.data as Float32Array;
    expect(gradient.every(Number.isFinite)).toBe(true);
    expect(Math.hypot(...gradient)).toBeGreaterThan(1e20);
    expect(taken).toBe(false);
    expect([await training.read(), await training.optimizer.getState()]).toEqual(before);
    expect((await training.step(feeds(1))).taken).toBe(true);
    // a step that accumulates has no norm
    expect((await training.step(huge)).taken).toBe(clip.gradientAccumulationSteps === 2);
    await training.dispose();
  });

  it('evaluates on the averages, and goes on without them', async () => {
    const training = await open({ optimizer: { learningRate: 0.1, useEma: true, emaMomentum: 0.9 } });
    for (let step = 0; step < 5; step++) await training.step(feeds(step));
    const own = await training.read();
    await training.optimizer.swapAverages();
    const averaged = await training.read();
    expect(averaged).not.toEqual(own);
    await training.optimizer.swapAverages();
    expect(await training.read()).toEqual(own);
    await training.optimizer.finalizeVariableValues();
    expect(await training.read()).toEqual(averaged);
    await training.step(feeds(5));
    await training.dispose();
  });

  it('takes first values from the initializers of a model', async () => {
    // the same model with the values in it, once with inputs of their names and once without
    const training = await open();
    await training.step(feeds(0));
    const trainer = await training.exportTrainer();
    const again = await open({ model: trainer, parameters: names, seed: null, optimizer: { learningRate: 0.1 } }).catch(
      (error: unknown) => error,
    );
    // its outputs are gradients, but it has an update of its own already: names are taken
    expect(again).toBeInstanceOf(SgdError);
    const decoded = onnx.ModelProto.decode(fixture('small.onnx'));
    const first = small();
    for (const name of names) {
      decoded.graph!.initializer!.push(
        onnx.TensorProto.create({ name, dims: shapes[name], dataType: 1, floatData: [...first[name]] }),
      );
    }
    for (const inputs of [decoded.graph!.input!, decoded.graph!.input!.filter(({ name }) => !(name! in shapes))]) {
      decoded.graph!.input = inputs;
      const model = onnx.ModelProto.encode(decoded).finish();
      const inside = await open({ model, parameters: names });
      await inside.step(feeds(0));
      expect(await inside.read()).toEqual(await training.read());
      await inside.dispose();
    }
    await training.dispose();
  });

  it('takes a map of gradients in the place of names, and a model without a seed', async () => {
    const source = onnx.ModelProto.decode(fixture('small.onnx'));
    const { graph } = source;
    // the seed becomes a constant, gradients get other names
    graph!.input = graph!.input!.filter(({ name }) => name !== 'adj_loss');
    graph!.initializer!.push(onnx.TensorProto.create({ name: 'adj_loss', dims: [1, 1], dataType: 1, floatData: [1] }));
    const gradients: Record<string, string> = {};
    for (const name of names) {
      gradients[name] = `d/${name}`;
      const output = graph!.output!.find((each) => each.name === `adj_${name}`)!;
      output.name = gradients[name];
      for (const node of graph!.node!)
        node.output = node.output!.map((each) => (each === `adj_${name}` ? `d/${name}` : each));
      for (const node of graph!.node!)
        node.input = node.input!.map((each) => (each === `adj_${name}` ? `d/${name}` : each));
    }
    const model = onnx.ModelProto.encode(source).finish();
    const [one, other] = [await open({ model, gradients }), await open()];
    for (const each of [one, other]) await each.step(feeds(0));
    expect(await one.read()).toEqual(await other.read());
    for (const each of [one, other]) await each.dispose();
    const scaled = open({ model, gradients, optimizer: { lossScaleFactor: 2 } });
    expect((await failure(scaled)).code).toBe('SGD_UNSUPPORTED');
  });

  it('its session is released once', async () => {
    const { ort: noted, live, log } = counted(ort);
    const training = await open({ ort: noted });
    await training.step(feeds(0));
    await training.dispose();
    await training.dispose();
    expect([live(), log.length]).toEqual([0, 2]);
    expect((await failure(training.step(feeds(0)))).code).toBe('SGD_DISPOSED');
  });

  describe('exportModel', () => {
    it('gives an ordinary model with the trained weights, and nothing of the backward pass', async () => {
      const training = await open();
      for (let step = 0; step < 20; step++) await training.step(feeds(step));
      const model = await training.exportModel();
      const { graph } = onnx.ModelProto.decode(model);
      expect(graph!.input!.map(({ name }) => name)).toEqual(['images']);
      expect(graph!.output!.map(({ name }) => name)).toEqual(['logits']);
      expect(graph!.node!.length).toBeLessThan(6);
      const session = await ort.InferenceSession.create(model, {});
      const { logits } = await session.run(feeds(20) as never, ['logits']).catch(async () => {
        return session.run({ images: feeds(20)['images'] } as never, ['logits']);
      });
      const { outputs } = await training.step(feeds(20), ['logits']);
      expect(logits!.data).toEqual(outputs['logits']!.data);
      await session.release();
      const both = await training.exportModel(['loss', 'logits']);
      expect(onnx.ModelProto.decode(both).graph!.input!.map(({ name }) => name)).toEqual(['images', 'labels']);
      expect((await failure(training.exportModel(['nothing']))).message).toContain('output nothing');
      await training.dispose();
    });
  });

  describe('exportTrainer', () => {
    it('writes the file that was taken to Python', async () => {
      const training = await open();
      const made = Buffer.from(await training.exportTrainer());
      // else it has to be taken there again: fixtures/trainer.mjs, then trainer.py
      expect(made.equals(fixture('trainer.onnx'))).toBe(true);
      await training.dispose();
    });

    it('trains there as here: 100 steps', async () => {
      const recorded = JSON.parse(readFileSync(new URL('fixtures/trainer.json', import.meta.url), 'utf8')) as {
        steps: number;
        losses: number[];
        weights: Record<string, number[]>;
      };
      const training = await open();
      const losses: number[] = [];
      for (let step = 0; step < recorded.steps; step++) losses.push((await training.step(feeds(step))).loss);
      const weights = await training.read();
      await training.dispose();
      let furthest = 0;
      for (const name of names)
        recorded.weights[name]!.forEach((x, i) => (furthest = Math.max(furthest, Math.abs(weights[name]![i]! - x))));
      console.log(`${variant}: weights after ${recorded.steps} steps are within ${furthest} of Python's`);
      expect(furthest).toBeLessThanOrEqual(2e-6);
      losses.forEach((loss, step) => expect(Math.abs(loss - recorded.losses[step]!)).toBeLessThanOrEqual(2e-6));
      expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
    });

    it('holds the state of a training in progress, and goes on from it', async () => {
      const training = await open({ optimizer: { learningRate: 0.1, momentum: 0.9, gradientAccumulationSteps: 2 } });
      for (let step = 0; step < 3; step++) await training.step(feeds(step));
      const trainer = await ort.InferenceSession.create(await training.exportTrainer(), { logSeverityLevel: 3 });
      // the next one updates: its number `update` is 1 in the file
      await training.step(feeds(3));
      const made = await trainer.run(
        feeds(3) as never,
        names.map((name) => `${name}.next`),
      );
      const weights = await training.read();
      for (const name of names) expect(made[`${name}.next`]!.data, name).toEqual(weights[name]);
      await trainer.release();
      await training.dispose();
    });
  });

  describe('is refused, by the name of the tensor:', () => {
    const wide = new Float64Array(8);
    it.each<[string, Partial<TrainingOptions>, RegExp]>([
      ['no model', { model: new Uint8Array([1, 2, 3]) }, /model: .*ONNX/],
      ['nothing', { model: new Uint8Array() }, /model/],
      ['a model that was cut', { model: fixture('small.onnx').subarray(0, 3000) }, /model/],
      ['no parameters', { parameters: [] }, /parameters/],
      [
        'a parameter that is not there',
        { parameters: { ...small(), more: new Float32Array(1) } },
        /parameter more: no such/,
      ],
      ['a parameter without a value', { parameters: names }, /parameter hidden_weight: .*without a value/],
      [
        'a value of another size',
        { parameters: { ...small(), hidden_bias: new Float32Array(9) } },
        /parameter hidden_bias: .*\[8\]/,
      ],
      [
        'a value of another shape',
        { parameters: { ...small(), hidden_weight: { data: new Float32Array(48), shape: [6, 8] } } },
        /hidden_weight.*\[8,6\]/,
      ],
      [
        'a value of another type',
        { parameters: { ...small(), hidden_bias: wide } },
        /parameter hidden_bias: .*float64/,
      ],
      ['a loss that is not there', { loss: 'los' }, /loss los: no such output, the model has loss, logits/],
      ['a gradient that is not there', { gradients: { hidden_bias: 'nothing' } }, /gradient nothing of hidden_bias/],
      [
        'a gradient of another size',
        { gradients: { output_bias: 'adj_hidden_bias' } },
        /adj_hidden_bias of output_bias: expected 3 values/,
      ],
      ['a seed that is not there', { seed: 'nothing' }, /seed nothing/],
    ])('%s', async (_name, more, message) => {
      const error = await failure(open(more));
      expect(error.code).toBe('SGD_INVALID_OPTION');
      expect(error.message).toMatch(message);
    });

    it('a provider that this build lacks', async () => {
      const { code, message } = await failure(open({ executionProviders: ['no-such-provider'] }));
      expect([code, message]).toEqual(['SGD_BACKEND', expect.stringContaining('no-such-provider')]);
    });

    it('a model that ONNX Runtime does not take', async () => {
      const model = encode([
        [1, 8],
        [
          7,
          [
            [
              1,
              [
                [1, 'x'],
                [2, 'loss'],
                [4, 'NoSuchOp'],
              ],
            ],
            [2, 'g'],
            [
              11,
              [
                [1, 'x'],
                [
                  2,
                  [
                    [
                      1,
                      [
                        [1, 1],
                        [2, []],
                      ],
                    ],
                  ],
                ],
              ],
            ],
            [
              12,
              [
                [1, 'loss'],
                [
                  2,
                  [
                    [
                      1,
                      [
                        [1, 1],
                        [2, []],
                      ],
                    ],
                  ],
                ],
              ],
            ],
            [
              12,
              [
                [1, 'adj_x'],
                [
                  2,
                  [
                    [
                      1,
                      [
                        [1, 1],
                        [2, []],
                      ],
                    ],
                  ],
                ],
              ],
            ],
          ],
        ],
        [8, [[2, 17]]],
      ]);
      const { code } = await failure(open({ model, parameters: { x: { data: new Float32Array(1), shape: [] } } }));
      expect(code).toBe('SGD_BACKEND');
    });

    it('options that it has no room for', async () => {
      const grouped = (group: object): ReturnType<typeof open> =>
        open({ optimizer: (backend) => new SGD({}, backend, { groups: [{ paths: ['hidden_bias'], ...group }] }) });
      expect((await failure(grouped({ learningRate: 1 }))).code).toBe('SGD_UNSUPPORTED');
      const training = await grouped({ frozen: true });
      expect(await failure(training.step(feeds(0)))).toMatchObject({
        code: 'SGD_UNSUPPORTED',
        message: expect.stringContaining('frozen'),
      });
      expect(await training.read()).toEqual(small());
      await training.dispose();
    });

    it.each<[string, () => Record<string, unknown>, RegExp, string]>([
      ['an input that is missing', () => ({ images: feeds(0)['images'] }), /input labels/, 'SGD_INVALID_OPTION'],
      [
        'an input that is not there',
        () => ({ ...feeds(0), more: feeds(0)['images'] }),
        /input more: expected one of images, labels/,
        'SGD_INVALID_OPTION',
      ],
      [
        'a parameter fed as an input',
        () => ({ ...feeds(0), hidden_bias: tensorOf(ort, new Float32Array(8)) }),
        /input hidden_bias/,
        'SGD_INVALID_OPTION',
      ],
      [
        'an input of another shape',
        () => ({ ...feeds(0), images: tensorOf(ort, new Float32Array(16 * 7), [16, 7]) }),
        /images/,
        'SGD_BACKEND',
      ],
      [
        'an input of another type',
        () => ({ ...feeds(0), images: new ort.Tensor('float64', new Float64Array(96), [16, 6]) }),
        /images|float|double/,
        'SGD_BACKEND',
      ],
    ])('%s', async (_name, given, message, code) => {
      const training = await open();
      const error = await failure(training.step(given() as OrtTensors));
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
      // and the next one is as if nothing had been
      const other = await open();
      expect(await training.step(feeds(0))).toEqual(await other.step(feeds(0)));
      for (const each of [training, other]) await each.dispose();
    });

    it('an output that is not there', async () => {
      const training = await open();
      expect((await failure(training.step(feeds(0), ['more']))).message).toMatch(/output more: .*logits/);
      await training.dispose();
    });

    it('a step while another is in flight', async () => {
      const training = await open();
      const first = training.step(feeds(0));
      expect((await failure(training.step(feeds(1)))).code).toBe('SGD_BUSY');
      expect((await first).taken).toBe(true);
      await training.dispose();
    });
  });

  it('a thousand steps leave memory as it is', async () => {
    const training = await open();
    const steps = async (count: number): Promise<number> => {
      for (let step = 0; step < count; step++) await training.step(feeds(step));
      return held();
    };
    const before = await steps(300);
    const after = await steps(700);
    expect(after - before).toBeLessThan(40e6);
    await training.dispose();
  });
});

it('learns digits in one fused session', { timeout: 120_000 }, async () => {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits');
  const digits = Array.from(
    { length: 10 },
    (_, digit) => (JSON.parse(readFileSync(join(folder, `${digit}.json`), 'utf8')) as { data: number[] }).data,
  );
  const accuracy = await trainDigits(await loadOrt('node'), fixture('digits.onnx'), digits);
  console.log(`node: ${accuracy * 100} % of 2,000 digits`);
  expect(accuracy).toBeGreaterThanOrEqual(0.94);
});
