import { type Contender, createTask, type Run } from '../contender.ts';
import { COPY_BYTES, copies } from '../copy.ts';
import type { OptionSet } from '../options.ts';
import { timedRun } from '../timed-run.ts';
import { type Effort, time, type Timed } from '../timing.ts';
import type { Workload } from '../workloads.ts';
import { type Heat, NOISY, NOT_INSTALLED } from './rows.ts';

/** Lets contenders, and the copies, take turns on one workload with one set of options. */
export async function heat(
  workload: Workload,
  set: OptionSet,
  contenders: readonly Contender[],
  effort: Effort,
): Promise<Heat> {
  const task = createTask(set, workload);
  const limits = copies(workload.elements);
  const where = { workload: workload.name, options: set.name };
  const result: Heat = { rows: [], skipped: [] };
  const started: (Timed & { readonly name: string; readonly run: Run })[] = [];
  try {
    for (const contender of contenders) {
      if (contender.missing?.()) {
        result.skipped.push({ ...where, contender: contender.name, why: NOT_INSTALLED });
        continue;
      }
      try {
        const run = await contender.start(task);
        const warmUp = Math.max(effort.warmUp, contender.warmUp ?? 0);
        started.push({ name: contender.name, run, ...timedRun(run, set), effort: { warmUp } });
      } catch (error) {
        result.skipped.push({
          ...where,
          contender: contender.name,
          why: `failed: ${String(error)}`,
          failed: true,
        });
      }
    }
    const timings = await time([...limits, ...started], effort);
    [...limits, ...started].forEach(({ name: contender }, i) => {
      const timing = timings[i]!;
      const elements = limits[i]?.elements ?? workload.elements;
      const bytes = limits[i] ? COPY_BYTES : set.bytes;
      if ('tooSlow' in timing) {
        const why = `too slow for this run: a step takes ${(timing.tooSlow / 1e9).toFixed(1)} s`;
        result.skipped.push({ ...where, contender, why });
        return;
      }
      const { median, spread, samples } = timing;
      result.rows.push({
        ...where,
        contender,
        nsPerElement: median / elements,
        gbPerSecond: (bytes * elements) / median,
        nsPerStep: (median / elements) * workload.elements,
        spread,
        samples,
        noisy: spread > NOISY,
        group: 1,
      });
    });
    return result;
  } finally {
    for (const { run } of started) await run.dispose();
  }
}
