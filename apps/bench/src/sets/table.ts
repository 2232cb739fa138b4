import { table } from '../table.ts';
import type { SetRow } from './turns.ts';

/** What it is, and the table. */
export function setsTable(rows: readonly SetRow[]): string[] {
  return [
    'Sets of options of one contender in one process: each takes one step, or one micro-step, then it is the turn of the next,\n' +
      'so that each finds in the caches what the others left there.\n' +
      '"x momentum": its time against that of momentum.',
    table(
      ['workload', 'contender', 'options', 'ns/element', 'spread', 'x momentum'],
      rows.map((row, i) => {
        const { workload, contender } = row;
        const before = rows[i - 1];
        const same = before?.workload === workload && before.contender === contender;
        return [
          ...(same ? ['', ''] : [workload, contender]),
          row.options,
          `${row.nsPerElement.toPrecision(3)}${row.noisy ? '*' : ''}`,
          `±${(100 * row.spread).toFixed(0)} %`,
          row.timesMomentum?.toFixed(2) ?? '',
        ];
      }),
      3,
    ),
  ];
}
