import { SgdError } from '@sgd/core';
import { getBackend, setBackend } from '@tensorflow/tfjs-core';
import type { TfjsBackend } from './backend.ts';
import { tfjs } from './index.ts';
import { pinned } from './pinned.ts';

/** Engines, and what registers them. */
const ENGINES: Readonly<Record<string, () => Promise<unknown>>> = {
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
  webgl: () => import('@tensorflow/tfjs-backend-webgl'),
  webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
};

/**
 * The backend as the conformance suite, the apps and the bench make it: on an engine of its own, whatever engine the rest of the
 * program is on.
 *
 * @param variant - the engine: `cpu` (default), `wasm`, `webgl` or `webgpu`, whose package must be installed; with `-ops` behind it,
 * as in `wasm-ops`, the fused step is left out
 * @throws SgdError `SGD_INVALID_OPTION`: another variant; `SGD_BACKEND`: the engine does not start here
 */
export default async function backend(variant: string = 'cpu'): Promise<TfjsBackend> {
  const engine = variant.replace(/-ops$/, '');
  const load = Object.hasOwn(ENGINES, engine) ? ENGINES[engine] : undefined;
  if (load === undefined) {
    const known = Object.keys(ENGINES).join(', ');
    throw new SgdError('SGD_INVALID_OPTION', `tfjs has the variants ${known}, and each with -ops, got "${variant}"`);
  }
  await load();
  return pinned({ getBackend, setBackend }, engine, tfjs({ exact: engine !== variant }));
}
