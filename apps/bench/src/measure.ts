import { ChildError } from './child.ts';
import { type HeapRow, heapJob } from './heap.ts';
import type { Job } from './job.ts';
import { type Machine, machine } from './machine.ts';
import { type OverheadRow, overheadJob } from './overhead.ts';
import type { Selection } from './selection.ts';
import { setsJob } from './sets/sets.ts';
import type { SetRow } from './sets/turns.ts';
import type { Skipped, StepRow } from './steps/rows.ts';
import { stepJob } from './steps/steps.ts';
import type { Effort } from './timing.ts';
import { type TrainingRow, trainingJob } from './training.ts';

/** Everything that was measured. */
export interface Results {
  readonly machine: Machine;
  readonly rows: readonly StepRow[];
  readonly sets: readonly SetRow[];
  readonly skipped: readonly Skipped[];
  readonly overhead: readonly OverheadRow[];
  readonly heap: readonly HeapRow[];
  readonly training: readonly TrainingRow[];
  /** Parts that broke off. */
  readonly failed: readonly { readonly name: string; readonly why: string }[];
  /** Ctrl-C came before the end. */
  readonly interrupted: boolean;
}

/** A job, and where its result goes. */
interface Entry {
  readonly name: string;
  readonly run: (effort: Effort, signal: AbortSignal) => Promise<void>;
}

/** What will be measured: names, and the function that measures and fills the results. */
export interface Plan {
  readonly count: number;
  readonly run: (effort: Effort, signal: AbortSignal, told: (done: number, name: string) => void) => Promise<Results>;
}

/** Puts together what was selected, cheapest parts first. */
export function plan({ parts, steps, sets, contenders, variables, heap, trained }: Selection): Plan {
  const results = {
    rows: [] as StepRow[],
    sets: [] as SetRow[],
    skipped: [] as Skipped[],
    overhead: [] as OverheadRow[],
    heap: [] as HeapRow[],
    training: [] as TrainingRow[],
    failed: [] as { name: string; why: string }[],
  };
  const entry = <T>({ name, run }: Job<T>, take: (result: T) => unknown): Entry => ({
    name,
    run: async (effort, signal) => void take(await run(effort, signal)),
  });
  const entries: Entry[] = [];
  if (parts.has('overhead')) {
    entries.push(...variables.map((count) => entry(overheadJob(count), (row) => results.overhead.push(row))));
  }
  if (parts.has('heap')) entries.push(...heap.map((set) => entry(heapJob(set), (row) => results.heap.push(row))));
  if (parts.has('sets')) {
    for (const { workload, contender } of sets) {
      entries.push(
        entry(setsJob(workload, contender), ({ rows, skipped }) => {
          results.sets.push(...rows);
          results.skipped.push(...skipped);
        }),
      );
    }
  }
  if (parts.has('training')) {
    entries.push(...trained.map((name) => entry(trainingJob(name), (rows) => results.training.push(...rows))));
  }
  if (parts.has('steps')) {
    for (const { workload, set } of steps) {
      const job = stepJob(workload, set, contenders);
      if (job === null) continue;
      entries.push(
        entry(job, ({ rows, skipped }) => {
          results.rows.push(...rows);
          results.skipped.push(...skipped);
        }),
      );
    }
  }
  return {
    count: entries.length,
    async run(effort, signal, told) {
      const where = machine();
      for (const [i, { name, run }] of entries.entries()) {
        if (signal.aborted) break;
        told(i + 1, name);
        try {
          await run(effort, signal);
        } catch (error) {
          if (signal.aborted) break;
          if (!(error instanceof ChildError)) throw error;
          results.failed.push({ name, why: error.message });
        }
      }
      return { machine: where, ...results, interrupted: signal.aborted };
    },
  };
}
