import { cpu } from '@sgd/cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  type Environment,
  type Gradients,
  type SelectionReport,
  selectBackend,
  SelectionError,
  type SelectOptions,
} from '../src/index.ts';

// Environments that this machine is not. What probes look at is injected; engines that can't run here stand aside for a real one that can, so
// that what is shown is the choice.
const here = globalThis as unknown as Environment;
const base: Environment = { WebAssembly: here.WebAssembly, Function, process, navigator: {} };
const page: Environment = {
  ...base,
  process: undefined,
  document: { createElement: () => ({ getContext: () => null }) },
};

const missing = (name: string) => () => import(/* @vite-ignore */ `@sgd/${name}-that-nobody-wrote`);
const forbidden = class {
  constructor() {
    throw new EvalError(
      "Refused to evaluate a string as JavaScript because 'unsafe-eval' is not an allowed source of script",
    );
  }
} as unknown as FunctionConstructor;
const noSimd = { ...here.WebAssembly!, validate: () => false };
const noCompiling = {
  validate: here.WebAssembly!.validate,
  Module: class {
    constructor() {
      throw new Error("CompileError: blocked by CSP: 'wasm-unsafe-eval' is not allowed");
    }
  },
} as NonNullable<Environment['WebAssembly']>;

/** A WebGL that answers as one of a device would. */
function webgl(value: number, renderer: string, has = true): Environment['document'] {
  const gl = {
    getExtension: (name: string) =>
      name.startsWith('WEBGL_') ? { UNMASKED_RENDERER_WEBGL: 1, loseContext() {} } : has ? {} : null,
    isContextLost: () => false,
    getParameter: () => renderer,
    readPixels: (...args: unknown[]) => void ((args[6] as Float32Array)[0] = value),
  };
  const context = new Proxy(gl, { get: (target, name) => target[name as keyof typeof gl] ?? (() => ({})) });
  return { createElement: () => ({ getContext: () => context as never }) };
}
const adapter = (info: object, device: () => Promise<{ destroy(): void }>) => ({
  gpu: { requestAdapter: () => Promise.resolve({ info, requestDevice: device }) },
});
const works = () => Promise.resolve({ destroy() {} });
/** A package of an engine for GPUs; the steps are those of a processor. */
const gpuPackage = {
  '@sgd/gpujs': () =>
    Promise.resolve({ gpujs: () => ({ ...cpu(), destroy() {} }), gpujsAsync: () => ({ ...cpu(), destroy() {} }) }),
};
const ortPackages = {
  'onnxruntime-web/webgpu': () => Promise.resolve({}),
  'onnxruntime-web/wasm': () => Promise.resolve({}),
  '@sgd/onnxruntime': () => Promise.resolve({ onnxruntime: () => cpu() }),
};

interface Case {
  readonly what: string;
  readonly environment: Environment;
  readonly options?: SelectOptions<Gradients>;
  /** The one that is chosen; `null`: none can be. */
  readonly winner: string | null;
  /** What the report says of another one. */
  readonly says: readonly [name: string, reason: RegExp];
}

const CASES: readonly Case[] = [
  { what: 'Node as it is', environment: base, winner: 'wasm', says: ['cpu', /plain JavaScript/] },
  {
    what: 'no SIMD',
    environment: { ...base, WebAssembly: noSimd },
    winner: 'cpu',
    says: ['wasm', /no SIMD here: use a later version/],
  },
  {
    what: 'no WebAssembly at all',
    environment: { ...base, WebAssembly: undefined },
    winner: 'cpu',
    says: ['wasm', /there is no WebAssembly here/],
  },
  {
    what: 'a page whose policy forbids WebAssembly',
    environment: { ...page, WebAssembly: noCompiling },
    winner: 'cpu',
    says: ['wasm', /may not be compiled here; a content security policy needs 'wasm-unsafe-eval'/],
  },
  {
    what: '@sgd/wasm is not installed',
    environment: { ...base, modules: { '@sgd/wasm': missing('wasm') } },
    winner: 'cpu',
    says: ['wasm', /^npm i @sgd\/wasm/],
  },
  {
    what: 'gpu.js under a policy without eval',
    environment: { ...base, Function: forbidden },
    options: { gradients: 'gpujs' },
    winner: 'gpujs:webasm',
    says: ['gpujs:cpu', /a content security policy needs 'unsafe-eval': Refused to evaluate/],
  },
  {
    what: 'gpu.js on a fast GPU with gradients on the device',
    environment: {
      ...page,
      document: webgl(Math.fround(0.1), 'ANGLE (NVIDIA, GeForce RTX 4090)'),
      modules: gpuPackage,
    },
    options: { gradients: 'gpujs' },
    winner: 'gpujs:webgl2',
    says: ['gpujs:webasm', /mode webasm/],
  },
  {
    what: 'gpu.js on a GPU that is a program',
    environment: {
      ...page,
      document: webgl(Math.fround(0.1), 'ANGLE (Google, Vulkan, SwiftShader driver)'),
      modules: gpuPackage,
    },
    options: { gradients: 'gpujs', workload: { shapes: [[10]] } },
    winner: 'gpujs:cpu',
    says: ['gpujs:webgl2', /SwiftShader/],
  },
  {
    what: 'gpu.js on a phone without 32-bit targets',
    environment: { ...page, document: webgl(0.0999755859375, 'Mali-G52'), modules: gpuPackage },
    options: { gradients: 'gpujs', require: 'gpujs:webgl2' },
    winner: null,
    says: ['gpujs:webgl2', /WebGL keeps 0.1 as 0.0999755859375: its textures hold fewer bits/],
  },
  {
    what: 'ONNX Runtime on a real adapter',
    environment: {
      ...page,
      navigator: adapter({ vendor: 'nvidia', architecture: 'hopper' }, works),
      modules: ortPackages,
    },
    options: { gradients: 'onnxruntime' },
    winner: 'onnxruntime:webgpu',
    says: ['onnxruntime:node', /runs in Node only/],
  },
  {
    what: 'ONNX Runtime with an adapter that is lost',
    environment: {
      ...page,
      navigator: adapter({ vendor: 'intel' }, () => Promise.reject(new Error('the adapter was consumed or lost'))),
      modules: ortPackages,
    },
    options: { gradients: 'onnxruntime' },
    winner: 'onnxruntime:wasm',
    says: ['onnxruntime:webgpu', /gives no device: the adapter was consumed or lost/],
  },
  {
    what: 'ONNX Runtime with the module of Node in hand',
    environment: base,
    options: { gradients: 'onnxruntime', ort },
    winner: 'onnxruntime:node',
    says: ['onnxruntime:wasm', /the ort module that was given is onnxruntime-node/],
  },
];

async function reportOf(options: SelectOptions<Gradients>): Promise<SelectionReport> {
  try {
    return (await selectBackend(options)).report;
  } catch (error) {
    if (error instanceof SelectionError) return error.report;
    throw error;
  }
}

describe('in an environment', () => {
  it.each(CASES)('$what: $winner', async ({ environment, options, winner, says: [name, reason] }) => {
    const report = await reportOf({ ...options, environment });
    expect(report.chosen).toBe(winner);
    expect(report.candidates.find((one) => one.name === name)?.reason).toMatch(reason);
  });

  it('on a real GPU the figures of a program that plays one count for nothing', async () => {
    const { environment, options } = CASES.find(({ winner }) => winner === 'gpujs:webgl2')!;
    const report = await reportOf({ ...options, environment });
    expect(report.reason).toMatch(/^it computes on the GPU|^first in order/);
    for (const one of report.candidates.filter(({ status }) => status === 'chosen' || status === 'usable'))
      expect(one.nanosecondsPerElement !== undefined, one.name).toBe(one.device === 'cpu');
  });

  it.each([
    ['wasm', /tfjs is on wasm; steps are fused/],
    ['cpu', /tfjs is on cpu; steps are fused/],
  ])('with tensors of TensorFlow.js on %s: tfjs, on that engine', async (engine, reason) => {
    await tf.setBackend(engine);
    const { report } = await selectBackend({ gradients: 'tfjs', environment: base });
    expect(report).toMatchObject({ chosen: 'tfjs', reason: expect.stringMatching(reason) });
  });

  it('with a TensorFlow.js that has no engine: none, and what to import', async () => {
    const idle = { getBackend: () => undefined, ready: () => Promise.reject(new Error('No backend found')) };
    const report = await reportOf({ gradients: 'tfjs', tf: idle, environment: base });
    expect(report.candidates.find(({ name }) => name === 'tfjs')).toMatchObject({
      status: 'unusable',
      reason: expect.stringMatching(/has no engine: import '@tensorflow\/tfjs-backend-wasm'/),
    });
  });
});
