import { InverseTimeDecay, SGD } from '@sgd/core';
import { gpujs, type GpuTexture } from '@sgd/gpujs';
import { describe, expect, it, vi } from 'vitest';
import { counting, SINGLE, userGpu } from './gl.ts';

const everything = {
  learningRate: 0.01,
  momentum: 0.9,
  nesterov: true,
  weightDecay: 0.01,
  gradientAccumulationSteps: 2,
  globalClipnorm: 0.5,
  lossScaleFactor: 8,
  useEma: true,
  emaOverwriteFrequency: 3,
};

const rates = { initialLearningRate: 0.1, decaySteps: 1, decayRate: 0.5 };

/** Gradients made on the device from the variables, as a model makes them. */
function setUp(mode: string) {
  const gpu = userGpu(mode);
  const flat = gpu.createKernel('function(w) { return w[this.thread.x] * 0.5 + 0.1; }', { ...SINGLE, output: [300] });
  const square = gpu.createKernel('function(w) { return w[this.thread.y][this.thread.x] * 0.5 + 0.1; }', {
    ...SINGLE,
    output: [7, 40],
  });
  const engine = gpujs({ gpu });
  const counted = counting(gpu.context);
  const variables = {
    bias: engine.variable({ data: new Float32Array(300).fill(1), shape: [300] }),
    kernel: engine.variable({ data: new Float32Array(280).fill(1), shape: [40, 7] }),
    scale: engine.variable({ data: new Float32Array(1), shape: [] }),
  };
  return { gpu, engine, counted, variables, flat, square };
}

describe.each(['webgl2', 'webgl'])('mode %s', (mode) => {
  it.each([
    ['every option', everything, {}, []],
    ['a norm of each', { ...everything, globalClipnorm: null, clipnorm: 1 }, {}, []],
    ['measuring', everything, { measure: ['gradient-norm', 'update-norm'] as const }, []],
    ['a finite check', everything, { nonFinite: 'skip' as const }, [1]],
  ])(
    '%s: a step uploads nothing, makes no texture and reads no more than one element',
    async (_name, options, extras, reads) => {
      const { engine, counted, variables, flat, square } = setUp(mode);
      const optimizer = new SGD(options, engine, { onWarning() {}, ...extras });
      optimizer.build(variables);
      const textures: number[] = [];
      for (let step = 0; step < 14; step++) {
        const gradients = {
          bias: flat(optimizer.trainableVariable('bias') as never) as GpuTexture,
          kernel: square(optimizer.trainableVariable('kernel') as never) as GpuTexture,
        };
        counted.take();
        expect(optimizer.apply(gradients)).toBe(true);
        const { made, ...moved } = counted.take();
        expect(moved).toEqual({ uploads: 0, reads });
        textures.push(made);
        for (const gradient of Object.values(gradients)) gradient.delete();
      }
      // kernels make textures when they run first, also those of the sixth step, which overwrites; then those of earlier steps are written to again
      expect(textures.slice(6)).toEqual(Array.from({ length: 8 }, () => 0));
      // and a read of all is one call for each
      await optimizer.readAll();
      expect(counted.take().reads).toHaveLength(3);
      optimizer.dispose();
    },
  );

  const steps = mode === 'webgl2' ? 1000 : 100;
  it(`${steps} steps hold no more textures than the first ones, and none is left in the end`, () => {
    const { gpu, engine, counted, variables, flat, square } = setUp(mode);
    const optimizer = new SGD(everything, engine, { measure: ['gradient-norm', 'update-norm'], nonFinite: 'skip' });
    optimizer.build(variables);
    // all of the user's own, which is there until the user frees it
    const gradients = {
      bias: flat(variables.bias as never) as GpuTexture,
      kernel: square(variables.kernel as never) as GpuTexture,
      scale: new Float32Array(1),
    };
    const live: number[] = [];
    for (let step = 0; step < steps; step++) {
      optimizer.apply(gradients);
      live.push(counted.live);
    }
    // Slots that were never written share textures of zeros; and until every kernel ran once there are not as many as two updates need.
    expect(live[0]).toBeGreaterThan(0);
    expect(new Set(live.slice(6)).size).toBe(1);
    const last = optimizer.trainableVariables as readonly GpuTexture[];
    optimizer.dispose();
    for (const variable of last) variable.delete();
    for (const gradient of [gradients.bias, gradients.kernel]) gradient.delete();
    // each of the user's two kernels holds its own output, as gpu.js has it
    expect(counted.live).toBe(2);

    const twice = gpu.createKernel('function(a) { return a[this.thread.x] * 2; }', {
      output: [3],
      precision: 'single',
    });
    expect(Array.from(twice([1, 2, 3]) as Float32Array)).toEqual([2, 4, 6]);
  });

  it('a schedule and other numbers that change compile nothing', () => {
    const { gpu, engine, variables, flat } = setUp(mode);
    const link = vi.spyOn(gpu.context as WebGLRenderingContext, 'linkProgram');
    const optimizer = new SGD({ ...everything, learningRate: new InverseTimeDecay(rates) }, engine);
    optimizer.build(variables);
    const gradient = flat(variables.bias as never) as GpuTexture;
    const programs = Array.from({ length: 14 }, () => {
      optimizer.apply([gradient], ['bias']);
      return link.mock.calls.length;
    });
    expect(programs[0]).toBeGreaterThan(0);
    // the sixth step is the first that overwrites by the average
    expect(new Set(programs.slice(6)).size).toBe(1);
  });

  it('an array as a gradient is one upload', () => {
    const { engine, counted, variables } = setUp(mode);
    const optimizer = new SGD({ momentum: 0.9 }, engine);
    optimizer.build([variables.bias, variables.kernel, variables.scale]);
    counted.take();
    const { live } = counted;
    optimizer.apply([new Float32Array(300), new Float32Array(280)], [variables.bias, variables.kernel]);
    expect(counted.take()).toMatchObject({ uploads: 2, reads: [] });
    optimizer.dispose();
    expect(counted.live).toBeLessThanOrEqual(live);
  });
});

it('textures of more than 64 MB are not kept to be written to again', () => {
  const gpu = userGpu('webgl2');
  const size = 2 ** 24 + 1;
  const gradient = gpu.createKernel('function() { return 1; }', { ...SINGLE, output: [size] })() as GpuTexture;
  const optimizer = new SGD({}, gpujs({ gpu }));
  const counted = counting(gpu.context);
  optimizer.build([new Float32Array(size)]);
  const live: number[] = [];
  for (let step = 0; step < 3; step++) {
    optimizer.apply([gradient]);
    live.push(counted.live);
  }
  expect(live).toEqual([1, 1, 1]);
});
