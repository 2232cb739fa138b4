/**
 * Compilers from a traced kernel to code.
 *
 * @packageDocumentation
 */
export { ArrayKernel, type ArrayKernelOptions } from './array-kernel.ts';
export { ArraySteps, isFiniteArray } from './array-step.ts';
export { compileBlocks } from './blocks.ts';
export { GlobalNorm } from './global-norm.ts';
export { glslSource, type TexelLayout } from './glsl.ts';
export type { Kinds } from './kinds.ts';
export { compileJavaScript, javaScriptSource } from './javascript.ts';
export type { PassFunction } from './pass.ts';
export type { BoundKernel, KernelSettings, KernelTable, ProgramKernels, Tensors } from './program-kernels.ts';
export { Shader } from './shader.ts';
export { wgslDeclarations, wgslFunctions } from './wgsl-functions.ts';
export { wasmInstance, type WasmMemory, wasmModule, wasmProbe } from './wasm/host.ts';
export type { FiniteCheck } from './wasm/kernel.ts';
export { PIECE_BYTES, RECORD, TASK } from './wasm/layout.ts';
export type { MemoryViews, StepNumbers } from './wasm/numbers.ts';
export { WgslKernel, type WgslKernelOptions } from './wgsl-kernel.ts';
export {
  FIGURE,
  MOST_PARTS,
  type WgslBinding,
  wgslFiniteCheck,
  type WgslProgram,
  workgroupsOf,
} from './wgsl-program.ts';
export {
  type WasmExports,
  type WasmImports,
  type WasmKernel,
  WasmProgram,
  type WasmProgramOptions,
} from './wasm/program.ts';
export { WasmStep, type WasmStepOptions } from './wasm/step.ts';
