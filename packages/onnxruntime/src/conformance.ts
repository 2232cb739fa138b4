import { SgdError } from '@sgd/core';
import { onnxruntime, type OnnxRuntimeBackend } from './backend.ts';
import type { Ort } from './ort.ts';

const { process } = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };

/** A module by name, so that only the one that is asked for must be installed. */
const engines: Readonly<Record<string, () => Promise<object>>> = {
  node: () => import('onnxruntime-node'),
  // the entry for browsers does not run in Node, and the one for Node is none of those for browsers
  wasm: () => (process?.versions?.node ? import('onnxruntime-web') : import('onnxruntime-web/wasm')),
  webgpu: () => import('onnxruntime-web/webgpu'),
};

/**
 * The backend as the conformance suite, the apps and the bench make it.
 *
 * @param variant - `"node"`: `onnxruntime-node` on the CPU; `"wasm"`: `onnxruntime-web` on the CPU, in Node as in browsers; `"webgpu"`:
 * `onnxruntime-web` on the GPU, in browsers
 * @throws SgdError `SGD_INVALID_OPTION` for another variant, or for none
 */
export default async function backend(variant?: string): Promise<OnnxRuntimeBackend> {
  const load = engines[variant ?? ''];
  if (!load) {
    throw new SgdError(
      'SGD_INVALID_OPTION',
      `onnxruntime has the variants "${Object.keys(engines).join('", "')}", got "${variant}"`,
    );
  }
  const ort = (await load()) as Ort;
  return onnxruntime({ ort, executionProviders: [variant === 'node' ? 'cpu' : variant!] });
}
