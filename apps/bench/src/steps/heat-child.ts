// One heat in a process of its own: what the compiler has seen of other options would slow these, and all memory goes back at the end.
// Started by steps.ts.
import { CONTENDERS } from '../contenders.ts';
import { OPTION_SETS } from '../options.ts';
import type { Effort } from '../timing.ts';
import { WORKLOADS } from '../workloads.ts';
import { heat } from './heat.ts';

const [workload, set, contenders, effort] = process.argv.slice(2) as [string, string, string, string];
const names = contenders.split(',');
const result = await heat(
  WORKLOADS.find(({ name }) => name === workload)!,
  OPTION_SETS.find(({ name }) => name === set)!,
  CONTENDERS.filter(({ name }) => names.includes(name)),
  JSON.parse(effort) as Effort,
);
process.stdout.write(JSON.stringify(result));
