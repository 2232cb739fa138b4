import type { Run } from './contender.ts';
import { microSteps, type OptionSet } from './options.ts';
import type { Timed } from './timing.ts';

/** What is timed of a contender at work. */
export function timedRun(run: Run, set: OptionSet): Timed {
  return {
    call: run.step,
    ...(run.turn && { turn: run.turn }),
    ...(run.settle && { settle: run.settle }),
    cycle: microSteps(set),
    last: set.timed === 'last',
  };
}
