import { defineOptimizer, SGD } from '@sgd/core';
import type { Ops } from '@sgd/core/engine';
import { cpu } from '@sgd/cpu';
import { webgpu, type WebgpuTensor } from '@sgd/webgpu';
import { describe, expect, it, vi } from 'vitest';

const STORAGE = 128;
const COPIES = 4 | 8; // COPY_SRC, COPY_DST

async function newDevice(limits: Record<string, number> = {}): Promise<GPUDevice> {
  const adapter = await navigator.gpu.requestAdapter();
  return adapter!.requestDevice({ requiredLimits: limits });
}

function bufferOf(device: GPUDevice, values: readonly number[], usage = STORAGE | COPIES): GPUBuffer {
  const buffer = device.createBuffer({ size: values.length * 4, usage, mappedAtCreation: true });
  new Float32Array(buffer.getMappedRange()).set(values);
  buffer.unmap();
  return buffer;
}

const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin((i + 1) * 12.9898 * seed) + 0.1);

const Adamlike = defineOptimizer({
  className: 'Adamlike',
  options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  rule: {
    scalars: ['beta1', 'beta2', 'epsilon'],
    slots: () => [{ name: 'm' }, { name: 'v', initial: 0.5 }],
    update(o, _config, { x, g, m, v }, { learningRate, updateCount, beta1, beta2, epsilon }) {
      const one = o.constant(1);
      const mean = o.add(m, o.mul(o.sub(g, m), o.sub(one, beta1)));
      const square = o.add(v, o.mul(o.sub(o.mul(g, g), v), o.sub(one, beta2)));
      const scale = o.div(o.sqrt(o.sub(one, o.pow(beta2, updateCount))), o.sub(one, o.pow(beta1, updateCount)));
      const change = o.div(o.mul(mean, o.mul(learningRate, scale)), o.add(o.sqrt(square), epsilon));
      return { x: o.sub(x, change), m: mean, v: square };
    },
  },
});

/** Moves by the sign of what is left of the gradient's norm, through two sums that need each other. */
const Summing = defineOptimizer({
  className: 'Summing',
  rule: {
    slots: () => [{ name: 'm' }],
    update(o, _config, { x, g, m }, { learningRate }) {
      const norm = o.sqrt(o.sum(o.mul(g, g)));
      const unit = o.div(g, norm);
      const next = o.add(o.mul(m, o.constant(0.5)), unit);
      const ratio = o.div(o.sqrt(o.sum(o.mul(x, x))), o.sqrt(o.sum(o.mul(next, next))));
      return { x: o.sub(x, o.mul(next, o.mul(learningRate, ratio))), m: next };
    },
  },
});

describe('webgpu', () => {
  it("works on the user's device, in the user's buffers, and reads nothing back", async () => {
    const device = await newDevice();
    const engine = await webgpu({ device });
    expect(engine.device).toBe(device);
    const w = bufferOf(device, [1, 2, 3]);
    const gradient = bufferOf(device, [1, 1, 2], STORAGE);
    const submit = vi.spyOn(device.queue, 'submit');
    const map = vi.spyOn(GPUBuffer.prototype, 'mapAsync');
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5, globalClipnorm: 1e6 }, engine);
    await optimizer.build({ w, b: new Float32Array(5) });
    submit.mockClear();
    expect(await optimizer.apply({ w: gradient, b: new Float32Array(5) })).toBe(true);
    expect(submit).toHaveBeenCalledTimes(1);
    expect(map).not.toHaveBeenCalled();
    map.mockRestore();
    expect(optimizer.trainableVariable('w')).toBe(w);
    expect(await optimizer.read('w')).toEqual(Float32Array.of(0, 1, 1));
    device.destroy();
  });

  it('a finite check reads one number, and a step is taken whole or not at all', async () => {
    const engine = await webgpu();
    const options = { learningRate: 1, momentum: 0.5, useEma: true };
    const optimizer = new SGD(options, engine, { nonFinite: 'skip', measure: ['update-norm'] });
    await optimizer.build({ w: new Float32Array(1000), b: new Float32Array(3) });
    const map = vi.spyOn(GPUBuffer.prototype, 'mapAsync');
    expect(await optimizer.apply([new Float32Array(1000).fill(1), new Float32Array(3)])).toBe(true);
    expect(map.mock.contexts.map((buffer) => (buffer as GPUBuffer).size)).toEqual([4]);
    map.mockRestore();
    const before = await optimizer.getState();
    const broken = new Float32Array(1000);
    broken[999] = -Infinity;
    expect(await optimizer.apply([broken, new Float32Array(3).fill(1)])).toBe(false);
    expect((await optimizer.getState()).slots).toEqual(before.slots);
    expect(await optimizer.read('w')).toEqual(new Float32Array(1000).fill(-1));
    await optimizer.dispose();
  });

  it('reads are of the time of the call', async () => {
    const engine = await webgpu();
    const optimizer = new SGD({ learningRate: 1 }, engine);
    const w = engine.variable({ data: Float32Array.of(1, 2), shape: [2] }) as WebgpuTensor;
    await optimizer.build({ w });
    const early = optimizer.read('w');
    engine.device.queue.writeBuffer(w.data as GPUBuffer, 0, Float32Array.of(7, 7));
    expect(await early).toEqual(Float32Array.of(1, 2));
    expect(await optimizer.read('w')).toEqual(Float32Array.of(7, 7));
  });

  it('refuses buffers that do not fit, with what came', async () => {
    const engine = await webgpu();
    const device = engine.device as GPUDevice;
    const optimizer = new SGD({ learningRate: 1 }, engine);
    const w = bufferOf(device, [1, 2]);
    await optimizer.build({ w });
    const destroyed = bufferOf(device, [1, 2]);
    destroyed.destroy();
    const freed = engine.gradient({ data: new Float32Array(2), shape: [2] });
    engine.free(freed);
    const other = bufferOf(await newDevice(), [1, 2]);
    const bad: [unknown, string, RegExp][] = [
      [bufferOf(device, [1, 2, 3]), 'SGD_GRADIENT_SHAPE', /12 bytes/],
      [{ data: bufferOf(device, [1, 2]), shape: [1, 2] }, 'SGD_GRADIENT_SHAPE', /\[1, ?2\]/],
      [bufferOf(device, [1, 2], COPIES), 'SGD_GRADIENT_SHAPE', /usage 12, expected STORAGE/],
      [w, 'SGD_GRADIENT_SHAPE', /the buffer of a variable/],
      [freed, 'SGD_GRADIENT_SHAPE', /freed/],
      [[1, 2], 'SGD_GRADIENT_SHAPE', /plain Array/],
      [destroyed, 'SGD_BACKEND', /destroyed/],
      [other, 'SGD_BACKEND', /device/],
    ];
    for (const [gradient, code, words] of bad) {
      const message = expect.stringMatching(words) as string;
      await expect(optimizer.apply([gradient as GPUBuffer])).rejects.toMatchObject({ code, message });
    }
    expect(await optimizer.read('w')).toEqual(Float32Array.of(1, 2));
    expect(optimizer.iterations).toBe(0);
    for (const variable of [destroyed, other]) {
      await expect(new SGD({}, engine).build({ variable })).rejects.toMatchObject({ code: 'SGD_BACKEND' });
    }
    const unusable = bufferOf(device, [1, 2], STORAGE);
    await expect(new SGD({}, engine).build({ unusable })).rejects.toMatchObject({
      code: 'SGD_UNSUPPORTED',
      message: expect.stringContaining('usage 128, expected STORAGE, COPY_SRC and COPY_DST') as string,
    });
    const two = [{ data: w, shape: [2] }, w];
    await expect(new SGD({}, engine).build(two)).rejects.toMatchObject({ code: 'SGD_INVALID_OPTION' });
  });

  it.each([true, false])(
    'a lost device is an error, and nothing hangs (lost before the call: %s)',
    async (isBefore) => {
      const engine = await webgpu();
      const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, engine, { nonFinite: 'skip' });
      await optimizer.build({ w: new Float32Array(3) });
      await optimizer.apply([new Float32Array(3)]);
      engine.device.destroy();
      if (isBefore) await engine.device.lost;
      const lost = { code: 'SGD_BACKEND' };
      await expect(optimizer.apply([new Float32Array(3)])).rejects.toMatchObject(lost);
      await expect(optimizer.read('w')).rejects.toMatchObject(lost);
      await expect(optimizer.getState()).rejects.toMatchObject({
        ...lost,
        message: expect.stringContaining('device is lost') as string,
      });
      expect(optimizer.iterations).toBe(1);
      await optimizer.dispose();
      await expect(new SGD({}, engine).build([new Float32Array(1)])).rejects.toMatchObject(lost);
    },
  );

  it('a step without a finite check on a device that is just lost is an error', async () => {
    const engine = await webgpu();
    const optimizer = new SGD({ learningRate: 1 }, engine);
    await optimizer.build({ w: new Float32Array(3) });
    engine.device.destroy();
    await expect(optimizer.apply([new Float32Array(3)])).rejects.toMatchObject({ code: 'SGD_BACKEND' });
  });

  it.each([
    ['adamlike', Adamlike],
    ['summing', Summing],
  ])('%s, a rule of the user, agrees with cpu', async (_, Optimizer) => {
    // one workgroup, several with parts of sums, no fours
    const sizes = [5, 1024, 70_001];
    const engines = [cpu(), await webgpu()] as const;
    const results = await Promise.all(
      engines.map(async (engine) => {
        const optimizer = new Optimizer({ learningRate: 0.1, weightDecay: 0.01 }, engine as never);
        await optimizer.build(sizes.map((size) => noise(size, 3)) as never);
        for (let step = 1; step <= 3; step++) {
          await optimizer.apply(sizes.map((size) => noise(size, step + 3)) as never);
        }
        return Object.values(await optimizer.readAll()) as Float32Array[];
      }),
    );
    results[0]!.forEach((expected, i) => {
      const got = results[1]![i]!;
      const furthest = expected.reduce((most, value, j) => Math.max(most, Math.abs(value - got[j]!)), 0);
      expect(furthest).toBeLessThan(3 * 2e-6);
      expect(expected).not.toEqual(noise(sizes[i]!, 3));
    });
  });

  it('more buffers than the device grants, and more bytes, are refused when it is built', async () => {
    const device = await newDevice();
    const most = device.limits.maxStorageBuffersPerShaderStage;
    const names = Array.from({ length: most }, (_, i) => `s${i}`);
    const Many = defineOptimizer({
      className: 'Many',
      rule: {
        slots: () => names.map((name) => ({ name })),
        update<T>(o: Ops<T>, _config: object, tensors: Readonly<Record<string, T>>) {
          const { x, g } = tensors as Readonly<Record<'x' | 'g', T>>;
          const slots = Object.fromEntries(names.map((name) => [name, o.add(tensors[name]!, g)]));
          return { x: o.sub(x, g), ...slots };
        },
      },
    });
    const engine = await webgpu({ device });
    await expect(new Many({}, engine as never).build([new Float32Array(2)] as never)).rejects.toMatchObject({
      code: 'SGD_UNSUPPORTED',
      message: expect.stringMatching(/"Many".*storage buffers/) as string,
    });
    const small = Object.create(device, {
      limits: { value: { maxBufferSize: 16, maxStorageBufferBindingSize: 16, maxStorageBuffersPerShaderStage: 8 } },
    }) as GPUDevice;
    Object.defineProperty(small, 'lost', { value: device.lost });
    await expect(new SGD({}, await webgpu({ device: small })).build({ w: new Float32Array(5) })).rejects.toMatchObject({
      code: 'SGD_UNSUPPORTED',
      message: expect.stringMatching(/"w" has 20 bytes/) as string,
    });
  });
});
