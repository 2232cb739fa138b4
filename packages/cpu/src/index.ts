/**
 * Typed arrays as an engine for `@sgd/core`: plain JavaScript, the same bits as Keras.
 *
 * @packageDocumentation
 */
export { cpu, type CpuOptions } from './backend.ts';
export type { CpuGradient, CpuVariable } from './tensor.ts';
