import { runChild } from './child.ts';
import type { Job } from './job.ts';

/** What a step costs beside the arithmetic: momentum on variables of one element. */
export interface OverheadRow {
  readonly variables: number;
  /** Core on an engine that does nothing, nanoseconds a step. */
  readonly coreNs: number;
  /** What each further variable adds to that, against one variable. */
  readonly corePerFurtherNs: number;
  /** Core and `@sgd/cpu`. */
  readonly cpuNs: number;
  readonly cpuPerFurtherNs: number;
}

/** How many variables are tried. */
export const VARIABLES: readonly number[] = [1, 10, 100, 1000];

/** Milliseconds. With less the compiler is not done in each of the processes. */
const WARM_UP = 200;

/** For so many variables of one element. One variable is measured along, for what each further one adds. */
export function overheadJob(count: number): Job<OverheadRow> {
  const further = (all: number, one: number): number => (count > 1 ? (all - one) / (count - 1) : 0);
  return {
    name: `overhead ${count}`,
    async run(effort, signal) {
      const longer = JSON.stringify({ ...effort, warmUp: Math.max(WARM_UP, effort.warmUp) });
      const measured = async (engine: 'idle' | 'cpu', variables: number): Promise<number> =>
        Number(await runChild('overhead-child', [engine, String(variables), longer], signal));
      const [coreOne, core] = [await measured('idle', 1), await measured('idle', count)];
      const [cpuOne, cpuAll] = [await measured('cpu', 1), await measured('cpu', count)];
      return {
        variables: count,
        coreNs: core,
        corePerFurtherNs: further(core, coreOne),
        cpuNs: cpuAll,
        cpuPerFurtherNs: further(cpuAll, cpuOne),
      };
    },
  };
}
