import { runChild } from './child.ts';
import type { Job } from './job.ts';
import type { OptionSet } from './options.ts';

/** What steps leave on the heap. */
export interface HeapRow {
  readonly options: string;
  readonly steps: number;
  readonly bytesPerStep: number;
  /** Garbage collections meanwhile; with any, the figure is too small. */
  readonly collections: number;
}

const STEPS = 100_000;
/** A young generation that all of the steps fit in, so that nothing is collected. */
const FLAGS = ['--min-semi-space-size=256', '--max-semi-space-size=256'];

/** Steps of `@sgd/cpu` in a process of its own, over two small variables. */
export function heapJob({ name }: OptionSet): Job<HeapRow> {
  return {
    name: `heap ${name}`,
    async run(_effort, signal) {
      const printed = await runChild('heap-child', [name, String(STEPS)], signal, FLAGS);
      return {
        options: name,
        steps: STEPS,
        ...(JSON.parse(printed) as Pick<HeapRow, 'bytesPerStep' | 'collections'>),
      };
    },
  };
}
