import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import { SGD as CoreSGD, SgdError, type SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { LossScaleOptimizer, SGD, tfjs } from '@sgd/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';

const options: SGDOptions = {
  learningRate: 0.05,
  momentum: 0.9,
  nesterov: true,
  weightDecay: 0.01,
  globalClipnorm: 0.5,
  useEma: true,
  emaOverwriteFrequency: 4,
  gradientAccumulationSteps: 2,
};
const start = async (engine: string): Promise<void> => {
  if (!(await tf.setBackend(engine))) throw new Error(`${engine} does not start`);
  await tf.ready();
};
const wave = (length: number, phase: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 0.37 + phase));

describe.each(['webgl', 'webgpu'])('on %s', (engine) => {
  it.each([false, true])(
    'a thousand steps leave the memory as it was, and dispose leaves nothing; exact: %s',
    async (exact) => {
      await start(engine);
      const weights = tf.tidy(() => [[3, 4], [5]].map((shape) => tf.variable(tf.fill(shape, 1))));
      const gradients = Object.fromEntries(weights.map((w) => [w.name, tf.fill(w.shape, 0.01)]));
      const before = tf.memory();
      const optimizer = new SGD(options, { exact, measure: ['gradient-norm', 'update-norm'] });
      for (let step = 0; step < 20; step++) optimizer.applyGradients(gradients);
      await optimizer.measured();
      const kept = (memory: tf.MemoryInfo): unknown => {
        const { numTensors, numBytes, numDataBuffers, numBytesInGPU } = memory as tf.MemoryInfo & {
          numBytesInGPU: number;
        };
        // webgpu counts buffers that it will use again only once its queue has run
        return [numTensors, numBytes, numDataBuffers, engine === 'webgl' ? numBytesInGPU : 0];
      };
      const warm = kept(tf.memory());
      for (let step = 0; step < 1000; step++) {
        optimizer.applyGradients(gradients);
        if (step % 100 === 99) await weights[0]!.data();
      }
      expect(kept(tf.memory())).toEqual(warm);
      expect(optimizer.path().path).toBe(exact ? 'ops' : 'fused');
      optimizer.dispose();
      const { numTensors, numBytes, numDataBuffers } = before;
      expect(tf.memory()).toMatchObject({ numTensors, numBytes, numDataBuffers });
      tf.dispose([weights, gradients]);
    },
    60_000,
  );

  it('large arrays, and shapes of any rank, agree with typed arrays', async () => {
    await start(engine);
    for (const shape of [[3001], [50, 60], [3, 4, 5, 7], [2, 3, 2, 3, 2], [1], []]) {
      const size = shape.reduce((a, b) => a * b, 1);
      const x = wave(size, 1);
      const reference = new CoreSGD(options, cpu());
      const own = { data: x.slice(), shape };
      reference.build({ own });
      const optimizer = new CoreSGD(options, tfjs());
      const w = tf.tidy(() => tf.variable(tf.tensor(x.slice(), shape)));
      optimizer.build({ own: w });
      for (let step = 0; step < 8; step++) {
        const g = wave(size, step + 2);
        // packed textures and unpacked ones
        tf.tidy(() => optimizer.apply([step % 3 ? tf.mul(tf.tensor(g, shape), 1) : tf.tensor(g, shape)]));
        reference.apply([{ data: g, shape }]);
      }
      const got = await w.data();
      for (let i = 0; i < size; i++)
        expect(Math.abs(got[i]! - own.data[i]!), `${shape.join()} ${i}`).toBeLessThan(2e-6);
      optimizer.dispose();
      w.dispose();
    }
  }, 60_000);

  it('trains a model, and goes on when the engine is switched', async () => {
    await start(engine);
    const model = layers.sequential({ layers: [layers.layers.dense({ units: 1, inputShape: [1] })] });
    const optimizer = new SGD({ learningRate: 0.1, momentum: 0.9, nesterov: true });
    model.compile({ optimizer, loss: 'meanSquaredError' });
    const [x, y] = [tf.tensor2d([-1, 0, 1, 2], [4, 1]), tf.tensor2d([-3, -1, 1, 3], [4, 1])];
    await model.fit(x, y, { epochs: 30, verbose: 0 });
    if (engine === 'webgl') await start('cpu');
    await model.fit(x, y, { epochs: 60, verbose: 0 });
    const [kernel, bias] = await Promise.all(model.getWeights().map(async (w) => (await w.data())[0]!));
    expect(kernel).toBeCloseTo(2, 1);
    expect(bias).toBeCloseTo(-1, 1);
    expect(optimizer.iterations).toBe(90);
  }, 60_000);
});

describe('on webgpu', () => {
  it('what needs an answer within the step is refused when it is built', async () => {
    await start('webgpu');
    const w = tf.variable(tf.tensor1d([1]));
    const refused = expect.objectContaining({ code: 'SGD_UNSUPPORTED' }) as SgdError;
    expect(() => new LossScaleOptimizer(new SGD()).build([w])).toThrow(refused);
    expect(() => new CoreSGD({}, tfjs(), { nonFinite: 'skip' }).build([w])).toThrow(/finite-check/);
    w.dispose();
  });

  it('or when the engine is switched to later, before anything is written', async () => {
    await start('cpu');
    const w = tf.variable(tf.tensor1d([1]));
    const optimizer = new SGD({ learningRate: 0.5 }, { nonFinite: 'skip' });
    const g = tf.tensor1d([1]);
    optimizer.applyGradients({ [w.name]: g });
    await start('webgpu');
    expect(() => optimizer.applyGradients({ [w.name]: g })).toThrow(/webgpu can't read values within a step/);
    await start('cpu');
    expect(w.dataSync()[0]).toBe(0.5);
    optimizer.applyGradients({ [w.name]: g });
    expect(w.dataSync()[0]).toBe(0);
  });
});

describe('on webgl', () => {
  it('dynamic loss scaling drops a step that is not finite', async () => {
    await start('webgl');
    const w = tf.variable(tf.tensor1d([1, 2]));
    const optimizer = new LossScaleOptimizer(new SGD({ learningRate: 0.5 }), { initialScale: 4 });
    for (const bad of [1, Infinity, NaN, -Infinity]) {
      optimizer.minimize(() => tf.mul(tf.sum(w), bad));
      expect(Array.from(w.dataSync())).toEqual([0.5, 1.5]);
    }
    expect(optimizer.dynamicScale).toBe(0.5);
  });

  it('says what is lost on a device of 16 bits, once', async () => {
    await start('webgl');
    const flag = 'WEBGL_RENDER_FLOAT32_ENABLED';
    const real = tf.env().getBool(flag);
    tf.env().set(flag, false);
    try {
      const warnings: string[] = [];
      for (let i = 0; i < 2; i++) {
        const w = tf.variable(tf.tensor1d([1]));
        new SGD({}, { warn: (text) => warnings.push(text) }).build([w]);
      }
      expect(warnings).toEqual([expect.stringMatching(/16-bit.*1\/2048/)]);
    } finally {
      tf.env().set(flag, real);
    }
  });

  // last: the context does not come back
  it('a lost context refuses the step, and says so', async () => {
    await start('webgl');
    const w = tf.variable(tf.tensor1d([1]));
    const g = tf.tensor1d([1]);
    const optimizer = new SGD({ learningRate: 0.5 });
    optimizer.applyGradients({ [w.name]: g });
    const { gl } = (tf.backend() as unknown as { gpgpu: { gl: WebGL2RenderingContext } }).gpgpu;
    gl.getExtension('WEBGL_lose_context')!.loseContext();
    const lost = expect.objectContaining({
      code: 'SGD_BACKEND',
      message: expect.stringMatching(/context was lost/) as string,
    });
    expect(() => optimizer.applyGradients({ [w.name]: g })).toThrow(lost as unknown as Error);
    expect(optimizer.iterations).toBe(1);
    await start('cpu');
  });
});
