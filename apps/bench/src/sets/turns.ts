import { type Contender, createTask, type Run } from '../contender.ts';
import type { OptionSet } from '../options.ts';
import { NOISY, type Skipped } from '../steps/rows.ts';
import { timedRun } from '../timed-run.ts';
import { type Effort, time, type Timed } from '../timing.ts';
import type { Workload } from '../workloads.ts';

/** The time of one set of options, while all sets of one contender took turns. */
export interface SetRow {
  readonly workload: string;
  readonly contender: string;
  readonly options: string;
  readonly nsPerElement: number;
  /** Against the set `momentum`, with which it took turns; null where that was not measured. */
  readonly timesMomentum: number | null;
  /** Half the distance between the quartiles, as a share of the median. */
  readonly spread: number;
  readonly samples: number;
  /** The quartiles are more than 10 % from the median. */
  readonly noisy: boolean;
}

/** What the sets of a contender took. */
export interface Turns {
  readonly rows: SetRow[];
  readonly skipped: Skipped[];
}

/** A sample is one cycle alone, which varies more than the mean over many: so there are more of them. */
const MORE = 10;

/**
 * Lets the sets of one contender take turns on one workload, each on variables and gradients of its own. A turn is one step, or one
 * micro-step of an accumulation, and nothing goes uncounted before it: what the others evicted from the caches has to come back in the time that counts.
 */
export async function takeTurns(
  workload: Workload,
  contender: Contender,
  sets: readonly OptionSet[],
  effort: Effort,
): Promise<Turns> {
  const skipped: Skipped[] = [];
  const started: (Timed & { readonly options: string; readonly run: Run })[] = [];
  const skip = (options: string, why: string, failed = false): void => {
    const where = { workload: workload.name, options, contender: contender.name };
    skipped.push({ ...where, why, ...(failed && { failed }) });
  };
  try {
    for (const set of sets) {
      try {
        const run = await contender.start(createTask(set, workload));
        started.push({ options: set.name, run, ...timedRun(run, set), apart: true });
      } catch (error) {
        skip(set.name, `failed: ${String(error)}`, true);
      }
    }
    const warmUp = Math.max(effort.warmUp, contender.warmUp ?? 0);
    const timings = await time(started, { ...effort, warmUp, samples: MORE * effort.samples, sample: 0 });
    const measured = started.flatMap(({ options }, i) => {
      const timing = timings[i]!;
      if (!('tooSlow' in timing)) return [{ options, ...timing }];
      skip(options, `too slow for this run: a step takes ${(timing.tooSlow / 1e9).toFixed(1)} s`);
      return [];
    });
    const momentum = measured.find(({ options }) => options === 'momentum');
    const rows = measured.map(({ options, median, spread, samples }) => ({
      workload: workload.name,
      contender: contender.name,
      options,
      nsPerElement: median / workload.elements,
      timesMomentum: momentum ? median / momentum.median : null,
      spread,
      samples,
      noisy: spread > NOISY,
    }));
    return { rows, skipped };
  } finally {
    for (const { run } of started) await run.dispose();
  }
}
