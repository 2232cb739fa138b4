/**
 * gpu.js as an engine for `@sgd/core`: variables, slots and gradients stay in textures.
 *
 * @packageDocumentation
 */
export { gpujs, type GpujsAsyncOptions, type GpujsBackend, type GpujsOptions } from './backend.ts';
export type { Gpu, GpuArgument, GpuGradient, GpuRows, GpuTensor, GpuTexture, GpuVariable } from './gpu.ts';
