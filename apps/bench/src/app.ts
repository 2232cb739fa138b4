import { FileError, UsageError } from './errors.ts';
import { fileAt } from './files.ts';
import { type Flags, HELP, parseFlags } from './flags.ts';
import { listenForInterrupt } from './interrupt.ts';
import { plan, type Results } from './measure.ts';
import { progressLine } from './progress.ts';
import { select } from './selection.ts';
import { tables } from './tables.ts';
import type { Effort } from './timing.ts';

/** Where a run writes. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

const FULL: Effort = { samples: 31, sample: 10, warmUp: 200, patience: 6000 };
const QUICK: Effort = { samples: 9, sample: 4, warmUp: 80, patience: 600 };

/**
 * Runs the command.
 *
 * @returns the exit code: 0, 1 when something could not be measured that should, 2 for wrong flags (one line on stderr), 130 after Ctrl-C
 */
export async function run(argv: readonly string[], streams: Streams): Promise<number> {
  try {
    const flags = parseFlags(argv);
    if (flags.help) {
      streams.stdout.write(HELP);
      return 0;
    }
    const { interrupted, skipped, failed } = await bench(flags, streams);
    if (interrupted) return 130;
    return failed.length > 0 || skipped.some((one) => one.failed) ? 1 : 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof FileError)) throw error;
    streams.stderr.write(`bench: ${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function bench(flags: Flags, { stdout, stderr }: Streams): Promise<Results> {
  const { count, run: measure } = plan(select(flags.only, flags.quick));
  if (count === 0) throw new UsageError(`--only "${flags.only}" leaves nothing; see --help`);
  const out = flags.out === undefined ? null : fileAt('--out', flags.out);
  const chart = flags.chart === undefined ? null : fileAt('--chart', flags.chart);
  const started = performance.now();
  const told = (done: number, name: string): void => {
    const line = progressLine(done, count, name, performance.now() - started);
    if (stderr.isTTY) stderr.write(`\r\x1b[K${line}`);
    else if (flags.progress) stderr.write(`${line}\n`);
  };
  const interrupt = listenForInterrupt();
  try {
    const results = await measure(flags.quick ? QUICK : FULL, interrupt.signal, told);
    if (stderr.isTTY) stderr.write('\r\x1b[K');
    const json = `${JSON.stringify(results)}\n`;
    // first what was measured, so that it is there also where a file can't be
    stdout.write(flags.json ? json : tables(results));
    out?.(json);
    if (chart) chart((await import('./chart.ts')).chart(results)); // its libraries are loaded where they are used
    return results;
  } finally {
    interrupt.release();
  }
}
