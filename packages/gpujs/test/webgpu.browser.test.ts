import { SGD } from '@sgd/core';
import { gpujsAsync, type GpuTexture } from '@sgd/gpujs';
import { GPU } from 'gpu.js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SINGLE, userGpu } from './gl.ts';

const SETTINGS = { pipeline: true, immutable: true, dynamicOutput: true, dynamicArguments: true } as const;
const everything = {
  learningRate: 0.01,
  momentum: 0.9,
  nesterov: true,
  weightDecay: 0.01,
  gradientAccumulationSteps: 2,
  globalClipnorm: 0.5,
  lossScaleFactor: 8,
  useEma: true,
};

/** In this mode kernels return promises, which their types do not say. */
const made = (result: unknown): Promise<GpuTexture> => result as Promise<GpuTexture>;

describe('mode webgpu', () => {
  it('takes the buffers of kernels as gradients and variables, and reads nothing', async () => {
    const gpu = userGpu('webgpu');
    const engine = gpujsAsync({ gpu });
    const source = 'function(w) { return w[this.thread.y][this.thread.x] + 1; }';
    const kernel = gpu.createKernel(source, { ...SETTINGS, output: [3, 2] });
    const ones = gpu.createKernel('function() { return 1; }', { ...SETTINGS, output: [3, 2] });
    const w = await made(ones());
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5, globalClipnorm: 1e6 }, engine);
    await optimizer.build({ w });
    const read = vi.spyOn(GPUBuffer.prototype, 'mapAsync');
    for (let step = 0; step < 3; step++) {
      const gradient = await made(kernel(optimizer.trainableVariable('w') as never));
      expect(await optimizer.apply({ w: gradient })).toBe(true);
      gradient.delete();
    }
    expect(read).not.toHaveBeenCalled();
    // x = 1: g = 2, m = -2, x = -1; g = 0, m = -1, x = -2; g = -1, m = 0.5, x = -1.5
    expect(Array.from(await optimizer.read('w'))).toEqual(Array.from({ length: 6 }, () => -1.5));
    expect(await w.toArray()).toEqual([Float32Array.of(1, 1, 1), Float32Array.of(1, 1, 1)]);
    const view = engine.shaped(optimizer.trainableVariable('w'), [3, 2]) as unknown as GpuTexture;
    expect(await view.toArray()).toHaveLength(3);
    read.mockRestore();
  });

  it('a finite check reads one element, and a step is one element or none', async () => {
    const gpu = userGpu('webgpu');
    const engine = gpujsAsync({ gpu });
    const optimizer = new SGD(everything, engine, { nonFinite: 'skip' });
    await optimizer.build({ w: new Float32Array(1000), b: new Float32Array(3) });
    const read = vi.spyOn(GPUBuffer.prototype, 'mapAsync');
    expect(await optimizer.apply([new Float32Array(1000).fill(1), new Float32Array(3)])).toBe(true);
    expect(read).toHaveBeenCalledTimes(1);
    expect((read.mock.contexts[0] as GPUBuffer).size).toBe(4);
    expect(await optimizer.apply([new Float32Array(1000).fill(NaN), new Float32Array(3)])).toBe(false);
    read.mockRestore();
  });

  it('holds no more results after many steps than after the first ones, and none in the end', async () => {
    const live = new Set<GPUBuffer>();
    const { createBuffer } = GPUDevice.prototype as {
      createBuffer: (this: GPUDevice, of: GPUBufferDescriptor) => GPUBuffer;
    };
    const { destroy } = GPUBuffer.prototype as { destroy: (this: GPUBuffer) => undefined };
    vi.spyOn(GPUDevice.prototype, 'createBuffer').mockImplementation(function (this: GPUDevice, descriptor) {
      const buffer = createBuffer.call(this, descriptor);
      // storage that is copied from: what kernels return; the others are the kernels' own
      if (descriptor.usage === 0x84) live.add(buffer);
      return buffer;
    });
    vi.spyOn(GPUBuffer.prototype, 'destroy').mockImplementation(function (this: GPUBuffer) {
      live.delete(this);
      return destroy.call(this);
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const extras = { measure: ['gradient-norm', 'update-norm'], nonFinite: 'skip' } as const;
    const optimizer = new SGD(everything, gpujsAsync({ gpu: userGpu('webgpu') }), extras);
    await optimizer.build([new Float32Array(1000), { data: new Float32Array(6), shape: [2, 3] }]);
    const counts: number[] = [];
    for (let step = 0; step < 40; step++) {
      await optimizer.apply([new Float32Array(1000).fill(1), new Float32Array(6)]);
      counts.push(live.size);
    }
    expect(counts[0]).toBeGreaterThan(0);
    // by then all slots were written: before, they share buffers of zeros
    expect(counts.slice(-2)).toEqual(counts.slice(2, 4));
    const last = optimizer.trainableVariables as readonly GpuTexture[];
    await optimizer.dispose();
    for (const variable of last) variable.delete();
    expect(live.size).toBe(0);
  });

  it('two optimizers in flight at once on kernels that are not built yet do not disturb each other', async () => {
    const engine = gpujsAsync({ gpu: userGpu('webgpu') });
    const run = async (n: number): Promise<number[]> => {
      const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, engine);
      await optimizer.build({ w: new Float32Array(n) });
      for (let step = 0; step < 3; step++) await optimizer.apply({ w: new Float32Array(n).fill(n) });
      return Array.from(await optimizer.read('w'));
    };
    const sizes = [5, 700, 1, 64];
    const all = await Promise.all(sizes.map(run));
    expect(all).toEqual(sizes.map((n) => Array.from({ length: n }, () => -4.25 * n)));
  });

  it('a gradient or variable that does not fit is refused before anything is written, with the cure', async () => {
    const gpu = userGpu('webgpu');
    const engine = gpujsAsync({ gpu });
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, engine);
    await optimizer.build({ a: new Float32Array(2), w: new Float32Array(2) });
    const kernel = gpu.createKernel('function() { return 1; }', { ...SETTINGS, output: [2] });
    const deleted = await made(kernel());
    deleted.delete();
    const pairs = gpu.createKernel('function() { return [1, 2]; }', { ...SETTINGS, output: [2] });
    const other = userGpu('webgl2').createKernel('function() { return 1; }', { ...SINGLE, output: [2] });
    kernel.setOutput([3]);
    const bad: [unknown, RegExp][] = [
      [deleted, /deleted/],
      [await made(kernel()), /shape \[3\]/],
      [await made(pairs()), /Array\(2\), expected one of numbers/],
      [other(), /another mode than gpujs:webgpu.*kernels of the GPU that was given/],
      [made(kernel()), /promise.*await/],
      [new Float32Array(3), /shape \[3\]/],
      [new Float64Array(2), /float64/],
    ];
    for (const [gradient, words] of bad) {
      const both = { a: new Float32Array(2).fill(1), w: gradient as GpuTexture };
      const message = expect.stringMatching(new RegExp(`^gradient of w: .*${words.source}`)) as string;
      await expect(optimizer.apply(both)).rejects.toMatchObject({ code: 'SGD_GRADIENT_SHAPE', message });
    }
    expect(Object.values(await optimizer.readAll())).toEqual([new Float32Array(2), new Float32Array(2)]);
    expect(optimizer.iterations).toBe(0);
    const build = new SGD({}, engine).build({ w: deleted });
    await expect(build).rejects.toMatchObject({
      code: 'SGD_DETACHED',
      message: expect.stringContaining('"w"') as string,
    });
  });
});

it('gpu.js takes the place of window.GPU, and leaves navigator.gpu as it is', async () => {
  expect((globalThis as { GPU?: unknown }).GPU).toBe(GPU);
  expect(await navigator.gpu.requestAdapter()).toBeInstanceOf(GPUAdapter);
});

describe('a lost device', () => {
  /** Kernels and an optimizer on a device that is lost after a step. */
  async function lose() {
    const gpu = userGpu('webgpu');
    const ones = gpu.createKernel('function() { return 1; }', { ...SETTINGS, output: [3] });
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, gpujsAsync({ gpu }));
    await optimizer.build({ w: new Float32Array(3) });
    const gradient = await made(ones());
    await optimizer.apply({ w: gradient });
    const { device } = (gradient as unknown as { context: { device: GPUDevice } }).context;
    device.destroy();
    await device.lost;
    return { gpu, optimizer, gradient };
  }

  it('is named at the next step and read, and nothing is counted', async () => {
    const { optimizer, gradient } = await lose();
    const lost = { code: 'SGD_BACKEND', message: expect.stringMatching(/device is lost.*make a new GPU/) as string };
    await expect(optimizer.apply({ w: gradient })).rejects.toMatchObject(lost);
    await expect(optimizer.apply({ w: new Float32Array(3) })).rejects.toMatchObject(lost);
    await expect(optimizer.readAll()).rejects.toMatchObject(lost);
    await expect(optimizer.getState()).rejects.toMatchObject(lost);
    expect(optimizer.iterations).toBe(1);
    await optimizer.dispose();
  });

  it('does not keep a new GPU from working, which refuses what was on the old one', async () => {
    const { gpu, gradient } = await lose();
    const again = new SGD({}, gpujsAsync({ gpu }));
    await expect(again.build({ w: new Float32Array(3) })).rejects.toMatchObject({ code: 'SGD_BACKEND' });
    const optimizer = new SGD({ learningRate: 1 }, gpujsAsync({ gpu: userGpu('webgpu') }));
    await optimizer.build({ w: new Float32Array(3) });
    await expect(optimizer.apply({ w: gradient })).rejects.toMatchObject({
      code: 'SGD_GRADIENT_SHAPE',
      message: expect.stringContaining('a device that is lost') as string,
    });
    await optimizer.apply({ w: Float32Array.of(1, 2, 3) });
    expect(await optimizer.read('w')).toEqual(Float32Array.of(-1, -2, -3));
  });
});
