import { type Mode, SgdError } from '@sgd/core';
import { gpujsAsync } from './async.ts';
import type { GpujsBackend } from './backend.ts';
import { gpujs } from './gpujs.ts';

const VARIANTS = ['cpu', 'webasm', 'webgl2', 'webgl', 'headlessgl', 'webgpu'];

/**
 * The backend as the conformance suite, the apps and the bench make it, on a `GPU` of its own.
 *
 * @param variant - the mode of gpu.js: `"cpu"`, `"webasm"`, `"webgl2"`, `"webgl"`, `"headlessgl"`, or `"webgpu"`, which is asynchronous; left out: the
 * best synchronous one that there is
 * @throws SgdError `SGD_INVALID_OPTION` for another variant, `SGD_UNSUPPORTED` where the mode does not run
 */
export default function backend(variant?: string): GpujsBackend<Mode> {
  if (variant !== undefined && !VARIANTS.includes(variant)) {
    throw new SgdError('SGD_INVALID_OPTION', `gpujs has the variants ${VARIANTS.join(', ')}, got "${variant}"`);
  }
  return variant === 'webgpu' ? gpujsAsync() : gpujs({ mode: variant });
}
