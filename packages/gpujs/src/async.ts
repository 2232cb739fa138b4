import { checkOptions, SgdError } from '@sgd/core';
import { backendOn, type GpujsBackend } from './backend.ts';
import { buffers } from './buffers.ts';
import type { Device } from './device.ts';
import type { Gpu } from './gpu.ts';
import { kindOf, makeGpu } from './mode.ts';

/** What {@link gpujsAsync} takes. */
export interface GpujsAsyncOptions {
  /** A `GPU` of mode `"webgpu"`; left out, one is made. */
  readonly gpu?: Gpu | undefined;
}

/**
 * As `gpujs`, for mode webgpu, in which every call is a promise, and textures are buffers.
 *
 * @throws SgdError `SGD_INVALID_OPTION`: an unknown option; no GPU, or one of another mode; `SGD_UNSUPPORTED`: there is no WebGPU here
 */
export function gpujsAsync(options: GpujsAsyncOptions = {}): GpujsBackend<'async'> {
  checkOptions(options, ['gpu'], 'gpujsAsync');
  const { gpu: given } = options;
  const gpu = given ?? makeGpu('webgpu');
  const kind = kindOf(gpu);
  if (kind !== 'webgpu') {
    throw new SgdError('SGD_INVALID_OPTION', `gpu: expected one of mode "webgpu", got "${kind}": pass it to gpujs()`);
  }
  return backendOn(gpu, buffers(gpu) as unknown as Device, !given);
}
