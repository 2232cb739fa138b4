/**
 * gpu.js as an engine for `@sgd/core`: variables, slots and gradients stay in textures.
 *
 * @packageDocumentation
 */
export { gpujsAsync, type GpujsAsyncOptions } from './async.ts';
export type { GpujsBackend } from './backend.ts';
export type { Gpu, GpuArgument, GpuGradient, GpuRows, GpuTensor, GpuTexture, GpuVariable } from './gpu.ts';
export { gpujs, type GpujsOptions } from './gpujs.ts';
