import { parseArgs } from 'node:util';

/** A wrong command line: one line, exit code 2. */
export class UsageError extends Error {}

/** What the command line asks for. */
export interface Flags {
  readonly help: boolean;
  readonly json: boolean;
  readonly quick: boolean;
  /** Rows whose name contains all of these words; all rows if there are none. */
  readonly only: readonly string[];
}

export const HELP = `Usage: npm run bench -- [flags]

Times the optimizer: whole steps against a plain loop that rounds the same way, what a step costs beside the arithmetic, and what
it leaves on the heap. Contenders take turns, sample by sample; figures are medians.

  --quick        fewer samples and sizes: under a minute
  --only WORDS   only rows whose name contains all the words, e.g. --only "momentum 1e6", --only overhead, --only heap
  --json         one JSON object in place of the tables
  --help         print this
`;

/** Reads the command line. */
export function parseFlags(argv: readonly string[]): Flags {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
      },
    });
    return { ...values, only: values.only.split(/\s+/).filter((word) => word !== '') };
  } catch (error) {
    const [line = 'wrong flags'] = (error as Error).message.split('\n');
    throw new UsageError(`${line.split(/\. To specify/)[0]}; see --help`, { cause: error });
  }
}
