import { SGD, SgdError } from '@sgd/core';
import { gpujs, gpujsAsync, type GpuTexture } from '@sgd/gpujs';
import { describe, expect, it } from 'vitest';
import { SINGLE, userGpu } from './gl.ts';

const failure = (call: () => unknown): SgdError => {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(SgdError);
    return error as SgdError;
  }
  throw new Error('no error');
};
const SOURCE = 'function() { return this.thread.x; }';
const textureOf = (gpu: ReturnType<typeof userGpu>, output: readonly number[]): GpuTexture =>
  gpu.createKernel(SOURCE, { ...SINGLE, output: [...output] })() as unknown as GpuTexture;

describe.each(['webgl2', 'webgl'])('mode %s', (mode) => {
  it('a gradient that does not fit is refused before anything is written', async () => {
    const gpu = userGpu(mode);
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, gpujs({ gpu }));
    optimizer.build({ a: new Float32Array(2), kernel: { data: new Float32Array(6), shape: [2, 3] } });
    const deleted = textureOf(gpu, [3, 2]);
    deleted.delete();
    const bad: [unknown, RegExp][] = [
      [deleted, /texture that was deleted/],
      [textureOf(userGpu(mode), [3, 2]), /another context.*kernels of the GPU that was given/],
      [textureOf(gpu, [2, 3]), /shape \[3,2\]/],
      [textureOf(gpu, [6, 1]), /shape \[1,6\]/],
      [textureOf(gpu, [5]), /shape \[5\]/],
      [new Float32Array(5), /shape \[5\]/],
      [new Float64Array(6), /float64/],
      [[1, 2, 3, 4, 5, 6], /Array/],
      [[Float32Array.of(1, 2, 3), Float32Array.of(1, 2)], /Array/],
      [{ texture: {} }, /Object/],
      [Promise.resolve(textureOf(gpu, [3, 2])), /promise.*await/],
    ];
    for (const [gradient, words] of bad) {
      const error = failure(() => optimizer.apply({ a: new Float32Array(2).fill(1), kernel: gradient as GpuTexture }));
      expect(error.code).toBe('SGD_GRADIENT_SHAPE');
      expect(error.message).toMatch(/^gradient of kernel: expected shape \[2,3\] of float32, got/);
      expect(error.message).toMatch(words);
    }
    expect(Object.values(await optimizer.readAll())).toEqual([new Float32Array(2), new Float32Array(6)]);
    expect(optimizer.iterations).toBe(0);
  });

  it('arrays of another page’s realm are taken as those of this one', async () => {
    const frame = document.body.appendChild(document.createElement('iframe'));
    const { Float32Array: Foreign } = frame.contentWindow as unknown as typeof globalThis;
    expect(Foreign).not.toBe(Float32Array);
    const optimizer = new SGD({ learningRate: 1 }, gpujs({ gpu: userGpu(mode) }));
    optimizer.build({ w: Foreign.of(1, 2) });
    optimizer.apply({ w: Foreign.of(2, 4) });
    expect(Array.from(await optimizer.read('w'))).toEqual([-1, -2]);
    frame.remove();
  });

  it('a variable that is none is refused by name', () => {
    const gpu = userGpu(mode);
    const engine = gpujs({ gpu });
    const deleted = textureOf(gpu, [3]);
    deleted.delete();
    const bad: [unknown, string, RegExp][] = [
      [deleted, 'SGD_DETACHED', /"w".*deleted/],
      [textureOf(userGpu(mode), [3]), 'SGD_UNSUPPORTED', /"w".*another context/],
      [{ data: textureOf(gpu, [3]), shape: [2, 2] }, 'SGD_UNKNOWN_VARIABLE', /"w".*3 elements with the shape \[2,2\]/],
      [{ data: new Float32Array(3), shape: [-1, -3] }, 'SGD_UNKNOWN_VARIABLE', /"w".*Object/],
      [new Float64Array(3), 'SGD_UNSUPPORTED', /float64/],
      [{}, 'SGD_UNKNOWN_VARIABLE', /"w".*Object/],
      [[], 'SGD_UNKNOWN_VARIABLE', /"w".*Array/],
    ];
    for (const [variable, code, words] of bad) {
      const error = failure(() => new SGD({}, engine).build({ w: variable as GpuTexture }));
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)]);
    }
  });

  it('more elements than a texture holds are refused, with the number of both', () => {
    const gpu = userGpu(mode);
    gpu.createKernel(SOURCE, { ...SINGLE, output: [1] });
    const gl = gpu.context as WebGLRenderingContext;
    const getParameter = gl.getParameter.bind(gl) as (name: number) => unknown;
    gl.getParameter = (name: number): unknown => (name === gl.MAX_TEXTURE_SIZE ? 16 : getParameter(name));
    const engine = gpujs({ gpu });
    new SGD({}, engine).build({ w: new Float32Array(256) });
    const error = failure(() => new SGD({}, engine).build({ w: new Float32Array(257) }));
    expect(error.code).toBe('SGD_UNSUPPORTED');
    expect(error.message).toMatch(/"w".*257 elements.*holds 256.*split/);
  });

  it('a texture of the user becomes a variable, is not written and not deleted', async () => {
    const gpu = userGpu(mode);
    const optimizer = new SGD({ learningRate: 1 }, gpujs({ gpu }));
    const flat = textureOf(gpu, [3]);
    const wide = textureOf(gpu, [3, 2]);
    optimizer.build({ flat, wide, shaped: { data: textureOf(gpu, [6]), shape: [3, 2], name: 'own' } });
    expect(optimizer.trainableVariable('flat')).toBe(flat);
    optimizer.apply([Float32Array.of(1, 1, 1), new Float32Array(6).fill(1), new Float32Array(6).fill(1)]);
    expect(flat.toArray()).toEqual(Float32Array.of(0, 1, 2));
    expect(wide.toArray()).toEqual([Float32Array.of(0, 1, 2), Float32Array.of(0, 1, 2)]);
    const all = await optimizer.readAll();
    expect(Array.from(all.flat!)).toEqual([-1, 0, 1]);
    expect(Array.from(all.wide!)).toEqual([-1, 0, 1, -1, 0, 1]);
    expect(Array.from(all.shaped!)).toEqual([-1, 0, 1, 2, 3, 4]);
    flat.delete(); // it is no longer needed
    optimizer.apply([Float32Array.of(1, 1, 1)], ['flat']);
    expect(Array.from(await optimizer.read('flat'))).toEqual([-2, -1, 0]);
  });

  it('a user that deletes a current variable loses a handle, and no values', async () => {
    const gpu = userGpu(mode);
    const optimizer = new SGD({ learningRate: 1 }, gpujs({ gpu }));
    optimizer.build({ w: new Float32Array(2) });
    for (let step = 0; step < 3; step++) {
      (optimizer.trainableVariable('w') as GpuTexture).delete();
      optimizer.apply({ w: Float32Array.of(1, 2) });
    }
    expect(Array.from(await optimizer.read('w'))).toEqual([-3, -6]);
  });
});

it('what kernels of mode webgpu return is refused by one on WebGL', async () => {
  const buffer = await (textureOf(userGpu('webgpu'), [2]) as unknown as Promise<GpuTexture>);
  const error = failure(() => new SGD({}, gpujs({ gpu: userGpu('webgl2') })).build({ w: buffer }));
  expect([error.code, error.message]).toEqual([
    'SGD_UNSUPPORTED',
    expect.stringMatching(/"w".*another mode than gpujs:webgl2/),
  ]);
});

it('mode webgpu is refused where it is not asked for, and the other way round', () => {
  const sync = failure(() => gpujs({ gpu: userGpu('webgpu') }));
  expect(sync.code).toBe('SGD_UNSUPPORTED');
  expect(sync.message).toMatch(/webgpu.*gpujsAsync\(\)/);
  const wrong = failure(() => gpujsAsync({ gpu: userGpu('webgl2') }));
  expect(wrong.code).toBe('SGD_INVALID_OPTION');
  expect(wrong.message).toMatch(/"gpu".*gpujs\(\)/);
});

it.each(['async', 'dev'])('a GPU of mode "%s" is refused', (mode) => {
  const error = failure(() => gpujs({ gpu: userGpu(mode) }));
  expect(error.code).toBe('SGD_UNSUPPORTED');
  expect(error.message).toContain(`"${mode}"`);
});

// the first upload of a GPU in mode webgl once gave zeros
describe.each(['webgl2', 'webgl'])('the first values that a new GPU gets, mode %s', (mode) => {
  it('are those of the variable', async () => {
    const engine = gpujs({ mode });
    const optimizer = new SGD({ learningRate: 0.5 }, engine);
    optimizer.build({ w: engine.variable({ data: Float32Array.of(1, 2), shape: [2] }) });
    expect([...(await optimizer.read('w'))]).toEqual([1, 2]);
    optimizer.dispose();
    await engine.destroy();
  });
});
