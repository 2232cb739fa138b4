import { runChild } from '../child.ts';
import type { Contender } from '../contender.ts';
import type { Job } from '../job.ts';
import { OPTION_SETS, type OptionSet } from '../options.ts';
import { budget, gigabytes } from '../steps/memory.ts';
import { NOT_INSTALLED } from '../steps/rows.ts';
import type { Workload } from '../workloads.ts';
import type { Turns } from './turns.ts';

/** Those that a contender has a rule for. */
export const setsOf = ({ takes }: Contender): readonly OptionSet[] => OPTION_SETS.filter((set) => takes?.(set) ?? true);

/** Why the sets can't all be in memory at once, with so many bytes to be used; null where they can. */
export function withoutRoom(contender: Contender, workload: Workload, bytes: number): string | null {
  const { most = Infinity, memory } = contender;
  const sets = setsOf(contender);
  const held = sets.reduce((sum, set) => sum + memory(set, workload), 0);
  const needed = held + 4 * workload.elements * sets.length; // gradients, of each set its own
  if (held > most) return `all sets together need ${gigabytes(held)}, and their engine has ${gigabytes(most)}`;
  return needed > bytes ? `all sets together need ${gigabytes(needed)} of the ${gigabytes(bytes)} to be used` : null;
}

/** Steps of one contender over one workload, with each set of options in turn, in one process. */
export function setsJob(workload: Workload, contender: Contender): Job<Turns> {
  return {
    name: `sets ${contender.name} ${workload.name}`,
    async run(effort, signal) {
      const why = contender.missing?.() ? NOT_INSTALLED : withoutRoom(contender, workload, budget());
      if (why === null) {
        const args = [workload.name, contender.name, JSON.stringify(effort)];
        return JSON.parse(await runChild('sets/sets-child', args, signal)) as Turns;
      }
      const where = { workload: workload.name, contender: contender.name };
      return { rows: [], skipped: setsOf(contender).map(({ name }) => ({ ...where, options: name, why })) };
    },
  };
}
