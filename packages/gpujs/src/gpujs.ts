import { checkOptions } from '@sgd/core';
import { backendOn, type GpujsBackend } from './backend.ts';
import type { Gpu } from './gpu.ts';
import { deviceOf, makeGpu } from './mode.ts';

/** What {@link gpujs} takes. */
export interface GpujsOptions {
  /** The `GPU` on which the model's kernels are made; left out, one is made. */
  readonly gpu?: Gpu | undefined;
  /** The mode of the `GPU` that is made: `"webgl2"`, `"webgl"`, `"headlessgl"`, `"webasm"` or `"cpu"`; gpu.js chooses by default. */
  readonly mode?: string | undefined;
}

/**
 * The gpu.js engine: variables, slots and gradients are textures, each formula of the step is a kernel, and nothing is read back.
 *
 * On a `GPU` of your own, gradients are the textures that your kernels return (with `pipeline: true` and `precision: 'single'`), and
 * `optimizer.trainableVariables` are textures for your kernels, of as many dimensions as the variable's shape; each step replaces them. In the
 * modes webasm and cpu the same are arrays. A texture of yours that becomes a variable is read, and neither written nor deleted.
 *
 * In the modes cpu and webasm results have Keras's bits. In the others `tolerance` allows for drivers that fuse a product with a sum or flush
 * numbers below 2^-126 to 0. `supports` has all features but float64 and, where values are not on the host, constraints.
 *
 * @throws SgdError `SGD_INVALID_OPTION`: an unknown option; no GPU, or one whose canvas is not that of its context; `SGD_UNSUPPORTED`: a mode that is not
 * synchronous or does not run here, also because a content security policy forbids it. Steps throw `SGD_BACKEND` when the context is lost.
 */
export function gpujs(options: GpujsOptions = {}): GpujsBackend<'sync'> {
  checkOptions(options, ['gpu', 'mode'], 'gpujs');
  const { gpu: given, mode } = options;
  const gpu = given ?? makeGpu(mode);
  return backendOn(gpu, deviceOf(gpu), !given);
}
