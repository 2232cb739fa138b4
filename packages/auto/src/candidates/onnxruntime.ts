import type { Backends } from '../backends.ts';
import type { Candidate, Given, Opened } from '../candidate.ts';
import { type Environment, load, type ModuleName, Unusable } from '../environment.ts';
import { wantSimd, wantWebGpu } from '../probes.ts';

/** What is asked of a module of ONNX Runtime. */
interface Ort {
  readonly env: { readonly versions?: Readonly<Record<string, string | undefined>> };
}

// the entry for browsers does not run in Node, and the one for Node is none of those for browsers
const MODULES = {
  node: ['onnxruntime-node', () => import('#onnxruntime-node')], // bundles for browsers are kept free of it
  wasm: ['onnxruntime-web/wasm', () => import('onnxruntime-web/wasm')],
  wasmInNode: ['onnxruntime-web', () => import('onnxruntime-web')],
  webgpu: ['onnxruntime-web/webgpu', () => import('onnxruntime-web/webgpu')],
} as const satisfies Readonly<Record<string, readonly [ModuleName, () => Promise<unknown>]>>;

/** The user's module, if it has the variant; else the one that is installed. */
async function moduleOf(environment: Environment, { ort }: Given, variant: keyof typeof MODULES): Promise<Ort> {
  if (ort === undefined) {
    const [name, from] = MODULES[variant];
    return (await load<unknown>(environment, name, from)) as Ort;
  }
  const node = (ort as Ort).env.versions?.['node'] !== undefined;
  if (node !== (variant === 'node')) {
    throw new Unusable(`the ort module that was given is onnxruntime-${node ? 'node' : 'web'}, which does not have it`);
  }
  return ort as Ort;
}

async function backendOf(environment: Environment, ort: Ort, provider: string): Promise<Backends['onnxruntime']> {
  const { onnxruntime } = await load(environment, '@sgd/onnxruntime', () => import('@sgd/onnxruntime'));
  return onnxruntime({ ort: ort as never, executionProviders: [provider] });
}

const candidate = (
  variant: string,
  open: (environment: Environment, given: Given) => Promise<Opened<'onnxruntime'>>,
): Candidate<'onnxruntime'> => ({
  name: `onnxruntime:${variant}`,
  package: '@sgd/onnxruntime',
  gradients: 'onnxruntime',
  open,
});

/** `onnxruntime-web` on WebGPU. */
export const onnxruntimeWebgpuCandidate: Candidate<'onnxruntime'> = /* @__PURE__ */ candidate(
  'webgpu',
  async (environment, given) => {
    const { software, description } = await wantWebGpu(environment);
    const ort = await moduleOf(environment, given, 'webgpu');
    const backend = await backendOf(environment, ort, 'webgpu');
    const note = `ONNX Runtime on WebGPU${description ? `, ${description}` : ''}`;
    return { backend, device: software ? 'software' : 'gpu', note };
  },
);

/** `onnxruntime-node` on the CPU. */
export const onnxruntimeNodeCandidate: Candidate<'onnxruntime'> = /* @__PURE__ */ candidate(
  'node',
  async (environment, given) => {
    if (!environment.process?.versions?.node) throw new Unusable('onnxruntime-node runs in Node only');
    const ort = await moduleOf(environment, given, 'node');
    return {
      backend: await backendOf(environment, ort, 'cpu'),
      device: 'cpu',
      note: 'ONNX Runtime, native, on the CPU',
    };
  },
);

/** `onnxruntime-web` in WebAssembly. */
export const onnxruntimeWasmCandidate: Candidate<'onnxruntime'> = /* @__PURE__ */ candidate(
  'wasm',
  async (environment, given) => {
    wantSimd(environment);
    const ort = await moduleOf(environment, given, environment.process?.versions?.node ? 'wasmInNode' : 'wasm');
    return { backend: await backendOf(environment, ort, 'wasm'), device: 'cpu', note: 'ONNX Runtime in WebAssembly' };
  },
);
