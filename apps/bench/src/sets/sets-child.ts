// All sets of options of one contender in one process. Started by sets.ts.
import { CONTENDERS } from '../contenders.ts';
import type { Effort } from '../timing.ts';
import { WORKLOADS } from '../workloads.ts';
import { setsOf } from './sets.ts';
import { takeTurns } from './turns.ts';

const [workload, name, effort] = process.argv.slice(2) as [string, string, string];
const contender = CONTENDERS.find((one) => one.name === name)!;
const result = await takeTurns(
  WORKLOADS.find((one) => one.name === workload)!,
  contender,
  setsOf(contender),
  JSON.parse(effort) as Effort,
);
process.stdout.write(JSON.stringify(result));
