import { SGD, SgdError } from '@sgd/core';
import { gpujsAsync, type GpuTexture } from '@sgd/gpujs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { userGpu } from './gl.ts';

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

  it('a gradient that was deleted is refused', async () => {
    const gpu = userGpu('webgpu');
    const optimizer = new SGD({}, gpujsAsync({ gpu }));
    await optimizer.build({ w: new Float32Array(2) });
    const gradient = await made(gpu.createKernel('function() { return 1; }', { ...SETTINGS, output: [2] })());
    gradient.delete();
    const error = await optimizer.apply({ w: gradient }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SgdError);
    expect(error).toMatchObject({ code: 'SGD_GRADIENT_SHAPE', message: expect.stringContaining('deleted') as string });
  });
});
