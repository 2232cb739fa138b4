/**
 * WebGPU as an engine for `@sgd/core`: values stay on the device, and a step is one submit.
 *
 * @packageDocumentation
 */
export { webgpu, type WebgpuBackend, type WebgpuOptions } from './backend.ts';
export type { GpuBuffer, GpuDevice, GpuEncoder, GpuPass } from './gpu.ts';
export type { WebgpuGradient, WebgpuTensor, WebgpuVariable } from './tensor.ts';
