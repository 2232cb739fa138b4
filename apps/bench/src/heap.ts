import { runChild } from './child.ts';
import type { Job } from './job.ts';
import type { OptionSet } from './options.ts';

/** What steps leave on the heap, in bytes a step. */
export interface HeapRow {
  readonly options: string;
  readonly steps: number;
  /** Of core alone, on an engine that does nothing, from the first step on. */
  readonly coreBytes: number;
  /** With `@sgd/cpu`, from the first step on: until its kernels are compiled, V8 boxes the numbers that they compute. */
  readonly cpuBytes: number;
  /** With `@sgd/cpu` after {@link WARM_UP} steps. */
  readonly cpuWarmBytes: number;
  /** Garbage collections meanwhile; with any, the figures are too small. */
  readonly collections: number;
}

const STEPS = 100_000;
/** Steps after which V8 has compiled what it will. */
export const WARM_UP = 30_000;
/** A young generation that all of the steps fit in, so that nothing is collected. */
const FLAGS = ['--min-semi-space-size=256', '--max-semi-space-size=256'];

/** Steps over two small variables, in processes of their own. */
export function heapJob({ name }: OptionSet): Job<HeapRow> {
  return {
    name: `heap ${name}`,
    async run(_effort, signal) {
      const grown = async (engine: 'idle' | 'cpu', warmUp: number): Promise<{ bytes: number; collections: number }> =>
        JSON.parse(await runChild('heap-child', [engine, name, String(warmUp), String(STEPS)], signal, FLAGS));
      const [core, cpu, warm] = [await grown('idle', 0), await grown('cpu', 0), await grown('cpu', WARM_UP)];
      return {
        options: name,
        steps: STEPS,
        coreBytes: core.bytes,
        cpuBytes: cpu.bytes,
        cpuWarmBytes: warm.bytes,
        collections: core.collections + cpu.collections + warm.collections,
      };
    },
  };
}
