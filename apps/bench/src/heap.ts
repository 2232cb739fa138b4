import { runChild } from './child.ts';
import { OPTION_SETS } from './options.ts';
import type { Job } from './steps.ts';

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

/** Steps in a process of their own, over two small variables. */
export const heapJobs: readonly Job<HeapRow>[] = OPTION_SETS.map(({ name }) => ({
  name: `heap ${name}`,
  run() {
    return { options: name, steps: STEPS, ...parsed(runChild('heap-child', [name, String(STEPS)], FLAGS)) };
  },
}));

const parsed = (text: string): Pick<HeapRow, 'bytesPerStep' | 'collections'> =>
  JSON.parse(text) as Pick<HeapRow, 'bytesPerStep' | 'collections'>;
