import { CONTENDERS } from './contenders.ts';
import { OPTION_SETS, type OptionSet } from './options.ts';
import { type Effort, time } from './timing.ts';

/** One contender's time for steps over one flat variable. */
export interface StepRow {
  readonly workload: string;
  readonly options: string;
  readonly contender: string;
  readonly nsPerElement: number;
  readonly gbPerSecond: number;
  /** Times the speed of the first contender. */
  readonly ratio: number;
  readonly spread: number;
  readonly samples: number;
}

/** Something to be measured, by its name. */
export interface Job<T> {
  readonly name: string;
  run(effort: Effort): T;
}

const random = (length: number): Float32Array => Float32Array.from({ length }, () => Math.random() - 0.5);

/** Steps over one flat variable, for each size and set of options. */
export function stepJobs(sizes: readonly number[]): Job<StepRow[]>[] {
  return sizes.flatMap((size) => OPTION_SETS.map((set) => stepJob(size, set)));
}

function stepJob(size: number, set: OptionSet): Job<StepRow[]> {
  const workload = size.toExponential().replace('+', '');
  const run = (effort: Effort): StepRow[] => {
    const values = random(size);
    const gradient = random(size);
    const steps = CONTENDERS.map((contender) => contender.start(set, values.slice(), gradient));
    const timings = time(steps, effort, set.options.gradientAccumulationSteps ?? 1);
    return timings.map(({ median, spread, samples }, i) => ({
      workload,
      options: set.name,
      contender: CONTENDERS[i]!.name,
      nsPerElement: median / size,
      gbPerSecond: (set.bytes * size) / median,
      ratio: timings[0]!.median / median,
      spread,
      samples,
    }));
  };
  return { name: `step ${set.name} ${workload}`, run };
}
