import { parseArgs } from 'node:util';
import { CONTENDERS } from './contenders.ts';
import { UsageError } from './errors.ts';
import { OPTION_SETS } from './options.ts';
import { VARIABLES } from './overhead.ts';
import { PARTS } from './selection.ts';
import { WORKLOADS } from './workloads.ts';

/** What the command line asks for. */
export interface Flags {
  readonly help: boolean;
  readonly json: boolean;
  readonly quick: boolean;
  readonly progress: boolean;
  readonly only: string;
  readonly out: string | undefined;
  readonly chart: string | undefined;
}

/** Words in lines of at most so many characters. */
function wrapped(words: readonly string[], indent: string, width = 110): string {
  const lines = [''];
  for (const word of words) {
    if (`${lines.at(-1)} ${word}`.length > width - indent.length) lines.push('');
    lines[lines.length - 1] += lines.at(-1) === '' ? word : ` ${word}`;
  }
  return lines.join(`\n${indent}`);
}

const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);
const INDENT = ' '.repeat(13);

export const HELP = `Usage: npm run bench -- [flags]

Times whole steps of the optimizer beside its peers and the machine's copy bandwidth, what options cost against momentum, what a step
costs beside the arithmetic, what it leaves on the heap, and its share of the time of a training. Contenders take turns, sample by sample, warmed up; figures are medians.

  --quick        fewer samples and workloads: under a minute
  --only WORDS   only what these words name, e.g. --only "momentum 1e6 cpu loop", --only training, --only "overhead 10".
                 Words of one kind are alternatives; kinds restrict each other, and parts that know no such kind are left out
  --json         one JSON object in place of the tables
  --out FILE     write the JSON to a file, too
  --chart FILE   draw the steps as SVG, too
  --progress     say on stderr what is being measured, also where that is no terminal
  --help         print this

Words for --only:
  parts      ${wrapped(PARTS, INDENT)}
             sets: all options of a contender take turns; wasm:arena on 1e6 unless words say otherwise. Beside
             other words it has to be named: --only "sets wasm:arena 1e6"
  workloads  ${wrapped(names(WORKLOADS), INDENT)}
  options    ${wrapped(names(OPTION_SETS), INDENT)}
             or a part of it: nesterov decay clip ema accumulation update
  contenders ${wrapped(names(CONTENDERS), INDENT)}
             or an engine: tfjs, tf.train
  variables  ${wrapped(VARIABLES.map(String), INDENT)} (of overhead)

Ctrl-C prints what was measured so far. Exit codes: 0; 1 when something could not be measured that should; 2 for wrong flags; 130 after Ctrl-C.
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
        progress: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        out: { type: 'string' },
        chart: { type: 'string' },
      },
    });
    return { ...values, out: values.out, chart: values.chart };
  } catch (error) {
    const [line = 'wrong flags'] = (error as Error).message.split('\n');
    throw new UsageError(`${line.split(/\. To specify/)[0]}; see --help`, { cause: error });
  }
}
