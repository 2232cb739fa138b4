import type { Candidate } from '../candidate.ts';
import { type Environment, load, Unusable } from '../environment.ts';
import { type GpuFound, wantEval, wantFloatTargets, wantFloatTextures, wantSimd, wantWebGpu } from '../probes.ts';

type Mode = 'webgl2' | 'webgl' | 'headlessgl' | 'webasm' | 'cpu' | 'webgpu';

/** What is asked of a `GPU` of gpu.js. */
interface Gpu {
  readonly mode: string;
  readonly Kernel?: { readonly mode?: string } | null;
}

/** What each mode needs; `null`: it computes on the processor. */
const NEEDS: Readonly<Record<Mode, (environment: Environment) => GpuFound | null | Promise<GpuFound>>> = {
  webgl2: wantFloatTargets,
  webgl: wantFloatTextures,
  headlessgl: () => ({ software: true, description: '' }), // nothing says what draws
  webasm: (environment) => (wantSimd(environment), null),
  cpu: (environment) => (wantEval(environment), null),
  webgpu: wantWebGpu,
};

/** Whether a GPU that the user gave is of a mode; `gpu` stands for whatever draws. */
function isOf(gpu: Gpu, mode: Mode): boolean {
  const kind = gpu.mode === 'async' ? 'webgpu' : (gpu.Kernel?.mode ?? gpu.mode);
  return kind === mode || (kind === 'gpu' && mode === 'webgl2');
}

const candidate = (mode: Mode): Candidate<'gpujs'> => ({
  name: `gpujs:${mode}`,
  package: '@sgd/gpujs',
  gradients: 'gpujs',
  async open(environment, given) {
    const gpu = given.gpu as Gpu | undefined;
    if (gpu && !isOf(gpu, mode)) throw new Unusable(`the GPU that was given is of mode "${gpu.mode}"`);
    const found = await NEEDS[mode](environment);
    const { gpujs, gpujsAsync } = await load(environment, '@sgd/gpujs', () => import('@sgd/gpujs'));
    const backend =
      mode === 'webgpu'
        ? gpujsAsync({ gpu: gpu as never })
        : gpujs({ gpu: gpu as never, mode: gpu ? undefined : mode });
    const of = found?.description ? ` on ${found.description}` : '';
    return {
      backend,
      device: found === null ? 'cpu' : found.software ? 'software' : 'gpu',
      note: `gpu.js in mode ${mode}${of}`,
      release: () => backend.destroy(), // not one that was given
    };
  },
});

/** `@sgd/gpujs` on WebGL 2. */
export const gpujsWebgl2Candidate: Candidate<'gpujs'> = /* @__PURE__ */ candidate('webgl2');
/** `@sgd/gpujs` on WebGL 1. */
export const gpujsWebglCandidate: Candidate<'gpujs'> = /* @__PURE__ */ candidate('webgl');
/** `@sgd/gpujs` on the npm package `gl`, in Node. */
export const gpujsHeadlessglCandidate: Candidate<'gpujs'> = /* @__PURE__ */ candidate('headlessgl');
/** `@sgd/gpujs` in WebAssembly. */
export const gpujsWebasmCandidate: Candidate<'gpujs'> = /* @__PURE__ */ candidate('webasm');
/** `@sgd/gpujs` in JavaScript. */
export const gpujsCpuCandidate: Candidate<'gpujs'> = /* @__PURE__ */ candidate('cpu');
/** `@sgd/gpujs` on WebGPU, asynchronous. */
export const gpujsWebgpuCandidate: Candidate<'gpujs'> = /* @__PURE__ */ candidate('webgpu');
