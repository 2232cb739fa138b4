import { runChild } from './child.ts';
import type { Job } from './steps.ts';
import type { Effort } from './timing.ts';

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

function measured(engine: 'idle' | 'cpu', count: number, effort: Effort): number {
  return Number(runChild('overhead-child', [engine, String(count), JSON.stringify(effort)]));
}

/** For so many variables of one element. One variable is measured along, for what each further one adds. */
export function overheadJob(count: number): Job<OverheadRow> {
  return {
    name: `overhead ${count}`,
    run(effort) {
      const further = (all: number, one: number): number => (count > 1 ? (all - one) / (count - 1) : 0);
      const [coreOne, core] = [measured('idle', 1, effort), measured('idle', count, effort)];
      const [cpuOne, cpuAll] = [measured('cpu', 1, effort), measured('cpu', count, effort)];
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
