/**
 * Chooses the engine of `@sgd/core` that is best where a program runs, among those that are installed, and says why.
 *
 * @packageDocumentation
 */
import type { Gradients } from './backends.ts';
import { CANDIDATES } from './candidates.ts';
import type { BackendSelection, SelectOptions } from './options.ts';
import { selectFrom } from './select.ts';

/**
 * Chooses among all engines that there are: see {@link selectFrom}. Once, at the start: what it gives is never exchanged for another one
 * later.
 *
 * @example
 * ```ts
 * const { backend, report } = await selectBackend();
 * const optimizer = new SGD({ learningRate: 0.1 }, backend);
 * ```
 */
export function selectBackend<G extends Gradients = 'host'>(
  options: SelectOptions<G> = {},
): Promise<BackendSelection<G>> {
  return selectFrom(CANDIDATES, options);
}

export type { AnyBackend, Backends, Gradients, HostArray } from './backends.ts';
export type { Candidate, Device, Given, Opened } from './candidate.ts';
export { CANDIDATES } from './candidates.ts';
export { cpuCandidate } from './candidates/cpu.ts';
export {
  gpujsCpuCandidate,
  gpujsHeadlessglCandidate,
  gpujsWebasmCandidate,
  gpujsWebgl2Candidate,
  gpujsWebglCandidate,
  gpujsWebgpuCandidate,
} from './candidates/gpujs.ts';
export {
  onnxruntimeNodeCandidate,
  onnxruntimeWasmCandidate,
  onnxruntimeWebgpuCandidate,
} from './candidates/onnxruntime.ts';
export { tfjsCandidate } from './candidates/tfjs.ts';
export { wasmCandidate } from './candidates/wasm.ts';
export type { Environment, ModuleName, Runtime } from './environment.ts';
export { type Finding, type SelectionReport, reportText, SelectionError } from './report.ts';
export type { BackendSelection, SelectOptions, Signal } from './options.ts';
export { selectFrom } from './select.ts';
export type { Workload } from './workload.ts';
