import { ChildError, runChild } from '../child.ts';
import type { Contender } from '../contender.ts';
import type { Job } from '../job.ts';
import type { OptionSet } from '../options.ts';
import type { Workload } from '../workloads.ts';
import { budget, grouped } from './memory.ts';
import type { Heat } from './rows.ts';

/** Steps over one workload with one set of options: contenders in one process, taking turns, or in several as far as memory goes. */
export function stepJob(workload: Workload, set: OptionSet, all: readonly Contender[]): Job<Heat> | null {
  const contenders = all.filter(({ takes }) => takes?.(set) ?? true);
  if (contenders.length === 0) return null;
  return {
    name: `${set.name} ${workload.name}`,
    async run(effort, signal) {
      const where = { workload: workload.name, options: set.name };
      const { groups, tooLarge } = grouped(contenders, set, workload, budget());
      const result: Heat = {
        rows: [],
        skipped: tooLarge.map(({ contender, why }) => ({ ...where, contender: contender.name, why })),
      };
      for (const [i, members] of groups.entries()) {
        const names = members.map(({ name }) => name);
        try {
          const args = [workload.name, set.name, names.join(), JSON.stringify(effort)];
          const { rows, skipped } = JSON.parse(await runChild('steps/heat-child', args, signal)) as Heat;
          result.rows.push(...rows.map((row) => ({ ...row, group: i + 1 })));
          result.skipped.push(...skipped);
        } catch (error) {
          if (signal?.aborted || !(error instanceof ChildError)) throw error;
          const why = `failed: ${error.message}`;
          result.skipped.push(...names.map((contender) => ({ ...where, contender, why, failed: true as const })));
        }
      }
      return result;
    },
  };
}
