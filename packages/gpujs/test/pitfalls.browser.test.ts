import { SGD, SgdError } from '@sgd/core';
import { gpujs, type GpuTexture, type GpuVariable } from '@sgd/gpujs';
import { describe, expect, it } from 'vitest';
import { SINGLE, userGpu } from './gl.ts';

// What goes wrong with gpu.js, as a test each. The numbers are those of the list in docs/gpujs.md.

const ramp = (n: number, factor = 1): Float32Array => Float32Array.from({ length: n }, (_, i) => (i + 1) * factor);
const failure = (call: () => unknown): SgdError => {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(SgdError);
    return error as SgdError;
  }
  throw new Error('no error');
};
const texture = (made: unknown): GpuTexture => made as GpuTexture;

describe.each(['webgl2', 'webgl'])('mode %s', (mode) => {
  it('1: outputs of many sizes, in turn', async () => {
    const engine = gpujs({ gpu: userGpu(mode) });
    const sizes = [1000, 3, 70, 3, 1000, 1];
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, engine);
    optimizer.build(sizes.map((n) => new Float32Array(n)));
    for (let step = 0; step < 3; step++) optimizer.apply(sizes.map((n) => ramp(n)));
    const all = Object.values(await optimizer.readAll());
    // m = -1, -1.5, -1.75: together -4.25
    expect(all).toEqual(sizes.map((n) => ramp(n, -4.25)));
  });

  it('2: gradients that are arrays in one step and textures in the next', async () => {
    const gpu = userGpu(mode);
    const engine = gpujs({ gpu });
    const made = gpu.createKernel('function() { return this.thread.x + 1; }', { ...SINGLE, output: [50] });
    const optimizer = new SGD({ learningRate: 1 }, engine);
    optimizer.build([new Float32Array(50), new Float32Array(5)]);
    for (let step = 0; step < 4; step++) {
      optimizer.apply([step % 2 ? texture(made()) : ramp(50), ramp(5)]);
    }
    expect(Object.values(await optimizer.readAll())).toEqual([ramp(50, -4), ramp(5, -4)]);
  });

  it('3: textures of one, two and three dimensions', async () => {
    const gpu = userGpu(mode);
    const engine = gpujs({ gpu });
    const source = 'function() { return 1 + this.thread.x + 4 * (this.thread.y + 3 * this.thread.z); }';
    const made = (output: number[]): GpuTexture => texture(gpu.createKernel(source, { ...SINGLE, output })());
    const shapes = [[4], [3, 4], [2, 3, 4]];
    const optimizer = new SGD({ learningRate: 1 }, engine);
    optimizer.build(shapes.map((shape) => ({ data: new Float32Array(shape.reduce((a, b) => a * b)), shape })));
    optimizer.apply(shapes.map((shape) => made(shape.slice().reverse())));
    // a flat one fits all with as many elements
    optimizer.apply([made([4]), made([4, 3]), ramp(24)]);
    expect(Object.values(await optimizer.readAll())).toEqual([ramp(4, -2), ramp(12, -2), ramp(24, -2)]);
  });

  it('4: kernels are never destroyed, so that the others of the context go on', async () => {
    const gpu = userGpu(mode);
    const twice = gpu.createKernel('function(a) { return a[this.thread.x] * 2; }', {
      output: [3],
      precision: 'single',
    });
    twice([1, 2, 3]);
    for (let round = 0; round < 3; round++) {
      const optimizer = new SGD({ learningRate: 1, globalClipnorm: 100 }, gpujs({ gpu }));
      optimizer.build([new Float32Array(2)]);
      optimizer.apply([ramp(2)]);
      expect(Array.from(Object.values(await optimizer.readAll())[0]!)).toEqual([-1, -2]);
      optimizer.dispose();
      expect(Array.from(twice([1, 2, 3]) as Float32Array)).toEqual([2, 4, 6]);
    }
  });

  it('5: variables can be read and deleted when the optimizer is gone', () => {
    const engine = gpujs({ gpu: userGpu(mode) });
    const optimizer = new SGD({ learningRate: 1 }, engine);
    optimizer.build([{ data: new Float32Array(6), shape: [2, 3] }]);
    optimizer.apply([ramp(6)]);
    const [w] = optimizer.trainableVariables as readonly GpuTexture[];
    optimizer.dispose();
    expect(w!.toArray()).toEqual([Float32Array.of(-1, -2, -3), Float32Array.of(-4, -5, -6)]);
    expect(() => w!.delete()).not.toThrow();
    expect(failure(() => engine.describe(w as GpuVariable)).code).toBe('SGD_DETACHED');
  });

  it('6: a GPU that was given is not destroyed, one that was made is', async () => {
    const gpu = userGpu(mode);
    const given = gpujs({ gpu });
    await given.destroy();
    expect((gpu.context as WebGLRenderingContext).isContextLost()).toBe(false);
    const own = gpujs({ mode });
    own.free(own.variable({ data: ramp(2), shape: [2] }));
    await own.destroy();
    expect((own.gpu.context as WebGLRenderingContext).isContextLost()).toBe(true);
  });

  it('7: two GPUs on one context share its canvas, or the second is refused', async () => {
    const first = userGpu(mode);
    const made = first.createKernel('function() { return this.thread.x + 1; }', { ...SINGLE, output: [4000] });
    made();
    const { context } = first;
    const apart = userGpu(mode, { context });
    const error = failure(() => gpujs({ gpu: apart }));
    expect(error.code).toBe('SGD_INVALID_OPTION');
    expect(error.message).toMatch(/another canvas.*\{ context, canvas: context\.canvas \}/);

    const second = userGpu(mode, { context, canvas: first.canvas as object });
    const optimizer = new SGD({ learningRate: 1 }, gpujs({ gpu: second }));
    optimizer.build([new Float32Array(4000), new Float32Array(2)]);
    optimizer.apply([texture(made()), ramp(2)]);
    expect(Object.values(await optimizer.readAll())).toEqual([ramp(4000, -1), ramp(2, -1)]);
    expect((texture(made()).toArray() as Float32Array)[3999]).toBe(4000);
  });

  it('8: a shorter array leaves nothing of a longer one', async () => {
    const engine = gpujs({ gpu: userGpu(mode) });
    const norms: number[] = [];
    for (const n of [500, 20, 500, 1]) {
      const optimizer = new SGD({ learningRate: 1 }, engine, { measure: ['gradient-norm'] });
      optimizer.build([new Float32Array(n)]);
      optimizer.apply([new Float32Array(n).fill(1)]);
      norms.push((await optimizer.measured()).gradientNorm!);
      optimizer.dispose();
    }
    norms.forEach((norm, i) => expect(norm).toBeCloseTo(Math.sqrt([500, 20, 500, 1][i]!), 4));
  });

  it.each([
    ['unsigned', { precision: 'unsigned' }, /unsigned.*precision: 'single'/],
    ['of four values a pixel', { ...SINGLE, optimizeFloatMemory: true }, /optimizeFloatMemory/],
  ])('9: textures that are %s are refused', (_name, settings, words) => {
    const gpu = userGpu(mode);
    const engine = gpujs({ gpu });
    const made = gpu.createKernel('function() { return this.thread.x + 1; }', {
      pipeline: true,
      output: [6],
      ...(settings as object),
    });
    const optimizer = new SGD({}, engine);
    optimizer.build({ w: new Float32Array(6) });
    const asGradient = failure(() => optimizer.apply({ w: texture(made()) }));
    expect(asGradient.code).toBe('SGD_GRADIENT_SHAPE');
    expect(asGradient.message).toMatch(words);
    const asVariable = failure(() => new SGD({}, engine).build({ w: texture(made()) }));
    expect(asVariable.code).toBe('SGD_UNSUPPORTED');
    expect(asVariable.message).toMatch(/"w"/);
    expect(asVariable.message).toMatch(words);
  });

  it('10: a lost context is named at the next step, and at the next read', async () => {
    const gpu = userGpu(mode);
    const optimizer = new SGD({ momentum: 0.9 }, gpujs({ gpu }));
    optimizer.build({ w: new Float32Array(3) });
    optimizer.apply({ w: ramp(3) });
    (gpu.context as WebGLRenderingContext).getExtension('WEBGL_lose_context')?.loseContext();
    const error = failure(() => optimizer.apply({ w: ramp(3) }));
    expect(error.code).toBe('SGD_BACKEND');
    expect(error.message).toMatch(/context of the GPU is lost.*make a new GPU/);
    expect(optimizer.iterations).toBe(1);
    await expect(optimizer.readAll()).rejects.toMatchObject({ code: 'SGD_BACKEND' });
    await expect(optimizer.getState()).rejects.toMatchObject({ code: 'SGD_BACKEND' });
  });

  it('11: kernels index a variable by its shape, or by another that they ask for', () => {
    const gpu = userGpu(mode);
    const engine = gpujs({ gpu });
    const optimizer = new SGD({ learningRate: 1 }, engine);
    const flat = new Float32Array(6);
    optimizer.build({ kernel: { data: flat, shape: [2, 3] }, flat });
    const pick = gpu.createKernel('function(w, y, x) { return w[y][x]; }', {
      output: [1],
      dynamicArguments: true,
      precision: 'single',
    });
    const at = (w: unknown, y: number, x: number): number => (pick(w as never, y, x) as Float32Array)[0]!;
    for (let step = 1; step <= 2; step++) {
      optimizer.apply({ kernel: ramp(6), flat: ramp(6) });
      expect(at(optimizer.trainableVariable('kernel'), 1, 2)).toBe(-6 * step);
      expect(at(engine.shaped(optimizer.trainableVariable('flat'), [2, 3]), 1, 0)).toBe(-4 * step);
      expect(at(engine.shaped(optimizer.trainableVariable('kernel'), [3, 2]), 1, 0)).toBe(-3 * step);
      expect(at(engine.shaped(optimizer.trainableVariable('kernel')), 1, 0)).toBe(-4 * step);
    }
    const view = engine.shaped(optimizer.trainableVariable('flat'), [3, 2]);
    view.delete(); // does nothing
    expect((optimizer.trainableVariable('flat') as GpuTexture).toArray()).toEqual(ramp(6, -2));
    for (const shape of [[], [7], [2, 2], [1, 1, 2, 3]]) {
      expect(failure(() => engine.shaped(optimizer.trainableVariable('flat'), shape)).code).toBe('SGD_INVALID_OPTION');
    }
  });
});
