import { wasm, type WasmOptions } from '@sgd/wasm';
import type { Contender, Run, Task } from '../contender.ts';
import { arraysKept, type OptionSet } from '../options.ts';
import type { Workload } from '../workloads.ts';
import { optimizerRun } from './optimizer.ts';

/** Variables and gradients in the arena: nothing is copied. */
async function inArena(task: Task): Promise<Run> {
  const backend = await wasm();
  const { shapes } = task.workload;
  const variables = task.variables().map((values, i) => backend.from(values, shapes[i]!));
  const gradients = task.gradients.map((values, i) => backend.from(values, shapes[i]!));
  return optimizerRun(task, backend, variables, gradients);
}

/** Ordinary arrays: gradients are copied in, and variables back after each update unless that is off. */
const inArrays =
  (options?: WasmOptions) =>
  async (task: Task): Promise<Run> =>
    optimizerRun(task, await wasm(options), task.variables(), task.gradients);

/** A WebAssembly memory. */
const most = 2 ** 32;
const bytes = (arrays: number, { elements }: Workload): number => 4 * elements * arrays;
const arena = (set: OptionSet, workload: Workload): number => bytes(arraysKept(set) + 1, workload);
const arrays = (set: OptionSet, workload: Workload): number => arena(set, workload) + bytes(1, workload);

export const wasmArena: Contender = { name: 'wasm:arena', memory: arena, most, start: inArena };
export const wasmArrays: Contender = { name: 'wasm:arrays', memory: arrays, most, start: inArrays() };
export const wasmNoCopyBack: Contender = {
  name: 'wasm:no-copy-back',
  memory: arrays,
  most,
  start: inArrays({ copyBack: false }),
};
