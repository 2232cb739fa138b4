import { HELP, parseFlags, UsageError } from './flags.ts';
import { heapJobs } from './heap.ts';
import { machine } from './machine.ts';
import { overheadJob } from './overhead.ts';
import { type Job, stepJobs } from './steps.ts';
import { type Results, tables } from './tables.ts';
import type { Effort } from './timing.ts';

/** Where a run writes. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

const FULL: Effort = { samples: 31, sample: 10, warmUp: 200 };
const QUICK: Effort = { samples: 11, sample: 5, warmUp: 100 };
const SIZES = [1e3, 1e5, 1e6];
const VARIABLES = [1, 10, 100, 1000];

/**
 * Runs the command.
 *
 * @returns the exit code: 0, or 2 for wrong flags (one line on stderr)
 */
export async function run(argv: readonly string[], streams: Streams): Promise<number> {
  try {
    const { help, json, quick, only } = parseFlags(argv);
    if (help) streams.stdout.write(HELP);
    else {
      const results = await bench(quick, only, streams);
      streams.stdout.write(json ? `${JSON.stringify(results)}\n` : tables(results));
    }
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    streams.stderr.write(`bench: ${error.message}\n`);
    return 2;
  }
}

async function bench(quick: boolean, only: readonly string[], { stderr }: Streams): Promise<Results> {
  const chosen = <T>(jobs: readonly Job<T>[]): readonly Job<T>[] =>
    jobs.filter(({ name }) => only.every((word) => name.split(/[ +]/).includes(word) || name.includes(` ${word} `)));
  const steps = chosen(stepJobs(SIZES));
  const overhead = chosen(VARIABLES.map(overheadJob));
  const heap = chosen(heapJobs);
  const count = steps.length + overhead.length + heap.length;
  if (count === 0) throw new UsageError(`--only "${only.join(' ')}" leaves nothing; see --help`);
  const effort = quick ? QUICK : FULL;
  let done = 0;
  const all = async <T>(jobs: readonly Job<T>[]): Promise<T[]> => {
    const results: T[] = [];
    for (const job of jobs) {
      done++;
      if (stderr.isTTY) stderr.write(`\r\x1b[K${done}/${count} ${job.name}`);
      results.push(job.run(effort));
      await new Promise((resolve) => setImmediate(resolve)); // so that Ctrl-C and the progress line get through
    }
    return results;
  };
  const results = {
    machine: machine(),
    overhead: await all(overhead),
    rows: (await all(steps)).flat(),
    heap: await all(heap),
  };
  if (stderr.isTTY) stderr.write('\r\x1b[K');
  return results;
}
