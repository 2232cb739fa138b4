import type { Candidate } from '../candidate.ts';
import { load } from '../environment.ts';
import { wantSimd } from '../probes.ts';

/** `@sgd/wasm`: WebAssembly SIMD over typed arrays. */
export const wasmCandidate: Candidate<'host'> = {
  name: 'wasm',
  package: '@sgd/wasm',
  gradients: 'host',
  async open(environment) {
    const { wasm } = await load(environment, '@sgd/wasm', () => import('@sgd/wasm'));
    wantSimd(environment);
    return { backend: await wasm(), device: 'cpu', note: 'WebAssembly SIMD, float32' };
  },
};
