import type { AnyBackend, Gradients } from './backends.ts';
import type { Candidate, Opened } from './candidate.ts';
import { firstLine, Unusable } from './environment.ts';
import type { SelectOptions } from './options.ts';
import { race } from './race.ts';
import { type Run, start, type Workload } from './workload.ts';

/** Times those that run; gives milliseconds of a step. */
export async function benchmark(
  found: Map<Candidate, Opened<Gradients> | Unusable>,
  gradients: Gradients,
  workload: Workload,
  { benchmark: wanted, signal, onProgress }: SelectOptions,
): Promise<Map<Candidate, number>> {
  const milliseconds = typeof wanted === 'object' ? wanted.milliseconds : 250;
  const racers: { candidate: Candidate; name: string; run: Run }[] = [];
  try {
    for (const [candidate, opened] of found) {
      if (opened instanceof Error) continue;
      try {
        const run = await start(opened.backend as AnyBackend, gradients, workload);
        racers.push({ candidate, name: candidate.name, run });
      } catch (error) {
        // large variables may be more than it has memory for
        await opened.release?.();
        found.set(candidate, new Unusable(`with variables of this size: ${firstLine(error)}`, false, error));
      }
    }
    const told = (done: number, of: number): void =>
      onProgress?.(`timing ${racers.map(({ name }) => name).join(', ')}: ${done} of ${of}`);
    const times = await race(racers, { milliseconds, signal, onProgress: told });
    return new Map(racers.map(({ candidate }, i) => [candidate, times[i]!]));
  } finally {
    for (const { run } of racers) await run.dispose();
  }
}
