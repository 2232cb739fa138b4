import { SgdError } from '@sgd/core';
import { webgpu, type WebgpuBackend } from './backend.ts';

/**
 * The backend as the conformance suite, the apps and the bench make it, on a device of its own.
 *
 * @param variant - there is none
 * @throws SgdError `SGD_INVALID_OPTION` for a variant; what {@link webgpu} throws
 */
export default async function backend(variant?: string): Promise<WebgpuBackend> {
  if (variant !== undefined) throw new SgdError('SGD_INVALID_OPTION', `webgpu has no variants, got "${variant}"`);
  return await webgpu();
}
