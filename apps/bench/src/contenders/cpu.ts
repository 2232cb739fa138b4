import { cpu as backend, type CpuVariable } from '@sgd/cpu';
import type { Contender } from '../contender.ts';
import { arraysKept } from '../options.ts';
import { optimizerRun } from './optimizer.ts';

/** `@sgd/cpu` through core, as users call it. */
export const cpu: Contender = {
  name: 'cpu',
  memory: (set, { elements }) => 4 * elements * arraysKept(set),
  start: (task) => optimizerRun(task, backend(), task.variables() as CpuVariable[], task.gradients),
};
