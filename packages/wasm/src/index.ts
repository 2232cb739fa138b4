/**
 * WebAssembly SIMD as an engine for `@sgd/core`: the same bits as Keras, at the speed of memory.
 *
 * @packageDocumentation
 */
export { wasm, type WasmBackend, type WasmOptions } from './backend.ts';
export type { WasmGradient, WasmTensor, WasmVariable } from './tensor.ts';
