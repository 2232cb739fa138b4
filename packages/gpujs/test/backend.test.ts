import { createContext, runInContext } from 'node:vm';
import { type Feature, SGD, SgdError } from '@sgd/core';
import { type Gpu, gpujs, gpujsAsync, type GpuVariable } from '@sgd/gpujs';
import make from '@sgd/gpujs/conformance';
import { GPU } from 'gpu.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bundle } from '../../../tests/support/bundle.ts';

const failure = (call: () => unknown): SgdError => {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(SgdError);
    return error as SgdError;
  }
  throw new Error('no error');
};
const ramp = (n: number, factor = 1): Float32Array => Float32Array.from({ length: n }, (_, i) => (i + 1) * factor);
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

afterEach(() => void vi.restoreAllMocks());

describe('the backend', () => {
  it('says what it is, and takes the best mode that is there', () => {
    const engine = gpujs();
    expect([engine.contract, engine.name, engine.mode]).toEqual([2, 'gpujs:webasm', 'sync']);
    expect(engine.tolerance).toEqual({ rtol: 0, atol: 0 });
    expect(engine.gpu).toBeInstanceOf(GPU);
  });

  it.each(['cpu', 'webasm'])('mode %s has constraints, as its values are on the host, and no float64', (mode) => {
    const { supports, name } = make(mode);
    expect(name).toBe(`gpujs:${mode}`);
    expect(supports.has('constraint')).toBe(true);
    expect(supports.has('float64')).toBe(false);
    const all: Feature[] = ['accumulation', 'average', 'finite-check', 'clip-global-norm', 'groups', 'measure'];
    expect(all.filter((feature) => !supports.has(feature))).toEqual([]);
  });

  it.each([
    ['no GPU', () => gpujs({ gpu: {} as Gpu }), 'SGD_INVALID_OPTION', /expected a GPU of gpu\.js/],
    ['a mode that is not there', () => gpujs({ mode: 'webgl2' }), 'SGD_UNSUPPORTED', /"webgl2"/],
    ['webgpu that is not there', () => gpujsAsync(), 'SGD_UNSUPPORTED', /"webgpu"/],
    ['a mode that nobody knows', () => gpujs({ mode: 'gpgpu' }), 'SGD_UNSUPPORTED', /"gpgpu"/],
    ['async for a mode that is not', () => gpujsAsync({ gpu: new GPU({ mode: 'cpu' }) }), 'SGD_INVALID_OPTION', /cpu/],
    ['mode dev', () => gpujs({ gpu: new GPU({ mode: 'dev' }) }), 'SGD_UNSUPPORTED', /"dev"/],
    ['mode async', () => gpujs({ gpu: new GPU({ mode: 'async' }) }), 'SGD_UNSUPPORTED', /"async"/],
    ['a variant that nobody knows', () => make('webgl3'), 'SGD_INVALID_OPTION', /webasm.*"webgl3"/],
  ])('refuses %s', (_name, call, code, words) => {
    const error = failure(call);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)]);
  });

  it('destroys the GPU that it made, and not one that was given', async () => {
    const gpu = new GPU({ mode: 'webasm' });
    const destroy = vi.spyOn(GPU.prototype, 'destroy');
    await gpujs({ gpu }).destroy();
    expect(destroy).not.toHaveBeenCalled();
    await gpujs({ mode: 'webasm' }).destroy();
    expect(destroy).toHaveBeenCalledTimes(1);
  });

  it('makes each kernel once for a GPU, and compiles nothing after the first steps', () => {
    const gpu = new GPU({ mode: 'webasm' });
    const create = vi.spyOn(gpu, 'createKernel');
    const run = (): void => {
      const optimizer = new SGD(everything, gpujs({ gpu }));
      optimizer.build([new Float32Array(5), new Float32Array(7)]);
      for (let step = 0; step < 4; step++) optimizer.apply([ramp(5), ramp(7)]);
      optimizer.dispose();
    };
    run();
    const made = create.mock.calls.length;
    expect(made).toBeGreaterThan(4);
    run();
    expect(create.mock.calls.length).toBe(made);
  });

  it('never falls back to cpu in mode webasm', () => {
    const warn = vi.spyOn(console, 'warn');
    const gpu = new GPU({ mode: 'webasm' });
    const optimizer = new SGD({ ...everything, emaOverwriteFrequency: 1 }, gpujs({ gpu }), { nonFinite: 'skip' });
    optimizer.build({ w: new Float32Array(5), scale: new Float32Array(1) }, { overwriteWithGradient: ['scale'] });
    for (let step = 0; step < 4; step++) optimizer.apply([ramp(5), ramp(1)]);
    const { kernels } = gpu as unknown as { kernels: { fallbackReason: string | null; built: boolean }[] };
    expect(kernels.filter((kernel) => kernel.built).length).toBeGreaterThan(5);
    expect(kernels.filter((kernel) => kernel.fallbackReason !== null)).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
  });
});

describe.each(['cpu', 'webasm'] as const)('mode %s', (mode) => {
  it('takes what kernels return, and gives what kernels take', async () => {
    const gpu = new GPU({ mode });
    const engine = gpujs({ gpu });
    const settings = { pipeline: true, immutable: true, precision: 'single' } as const;
    const body = 'w[this.thread.y][this.thread.x] * 0 + this.thread.x + 1 + 3 * this.thread.y';
    const wide = gpu.createKernel(`function(w) { return ${body}; }`, { ...settings, output: [3, 2] });
    const deep = gpu.createKernel('function() { return this.thread.z; }', { ...settings, output: [2, 2, 2] });
    const optimizer = new SGD({ learningRate: 1 }, engine);
    optimizer.build({
      wide: engine.variable({ data: new Float32Array(6), shape: [2, 3] }),
      deep: { data: new Float32Array(8), shape: [2, 2, 2] },
      flat: new Float32Array(6),
    });
    for (let step = 0; step < 2; step++) {
      const gradient = wide(optimizer.trainableVariable('wide') as never) as GpuVariable;
      optimizer.apply({ wide: gradient, deep: deep() as GpuVariable, flat: ramp(6) });
    }
    expect(optimizer.trainableVariable('wide')).toEqual([Float32Array.of(-2, -4, -6), Float32Array.of(-8, -10, -12)]);
    expect(engine.shaped(optimizer.trainableVariable('wide'), [3, 2])).toHaveLength(3);
    expect(engine.shaped(optimizer.trainableVariable('flat'), [2, 3])).toEqual(optimizer.trainableVariable('wide'));
    expect(Array.from(await optimizer.read('deep'))).toEqual([-0, -0, -0, -0, -2, -2, -2, -2].map((x) => x + 0));
  });

  it('copies arrays in, and never writes to them', async () => {
    const [w, g] = [ramp(4), ramp(4)];
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, gpujs({ mode }));
    optimizer.build({ w }, { constraints: { w: (data) => void data.fill(9) } });
    w.fill(0);
    optimizer.apply({ w: g });
    expect([w, g]).toEqual([new Float32Array(4), ramp(4)]);
    expect(await optimizer.read('w')).toEqual(new Float32Array(4).fill(9));
  });

  it('refuses a texture, with the cure', () => {
    const texture = { toArray: () => new Float32Array(2), clone() {}, delete() {} };
    const error = failure(() => new SGD({}, gpujs({ mode })).build({ w: texture }));
    expect([error.code, error.message]).toEqual([
      'SGD_UNSUPPORTED',
      expect.stringMatching(/"w".*texture.*toArray\(\)/),
    ]);
  });
});

describe('under a strict content security policy', () => {
  it('mode webasm trains where text does not become functions, to the bit', async () => {
    const code = await bundle('gpujs', 'gpujs');
    const train = async (strings: boolean): Promise<unknown> => {
      const context = createContext(
        { console, setTimeout, structuredClone },
        { codeGeneration: { strings, wasm: true } },
      );
      runInContext(code, context);
      return runInContext(
        `const optimizer = new sgd.SGD({ momentum: 0.9, clipnorm: 1 }, sgd.gpujs({ mode: 'webasm' }), { measure: ['update-norm'] });
        optimizer.build([new Float32Array(1000).fill(1)]);
        for (let i = 0; i < 3; i++) optimizer.apply([Float32Array.from({ length: 1000 }, (_, j) => Math.sin(i + j))]);
        Promise.all([optimizer.readAll(), optimizer.measured()]).then(JSON.stringify);`,
        context,
      );
    };
    expect(await train(false)).toBe(await train(true));
  });

  it.each([
    ['cpu', /compiles text into functions.*"webasm"/],
    ['webasm', /compiles WebAssembly.*wasm-unsafe-eval/],
  ])('mode %s is refused at once, with the cure', async (mode, words) => {
    const context = createContext({ console, setTimeout }, { codeGeneration: { strings: false, wasm: false } });
    runInContext(await bundle('gpujs', 'gpujs'), context);
    const refused: unknown = runInContext(
      `try { sgd.gpujs({ mode: '${mode}' }); 'no error'; } catch (error) { error.code + ' ' + error.message; }`,
      context,
    );
    expect(refused).toMatch(/^SGD_UNSUPPORTED /);
    expect(refused).toMatch(words);
  });
});
