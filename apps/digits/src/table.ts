import Table from 'cli-table3';
import { TEST_DIGITS } from './batches.ts';
import { duration, percent, short, whole } from './format.ts';
import type { RunResult, TrainerResult } from './result.ts';

type Cell = (result: TrainerResult) => string;

/** The figures of a run, a column for each backend, as a table without colours. */
export function resultTable(run: RunResult): string {
  const results = run.compare?.results ?? [run];
  const table = new Table({ style: { head: [], border: [], compact: true } });
  for (const [name, cell] of resultRows(run)) table.push([name, ...results.map(cell)]);
  return table.toString();
}

/** Name and value of each figure; rows that say nothing are left out. */
export function resultRows(run: RunResult): [string, Cell][] {
  const results = run.compare?.results ?? [run];
  const count = (share: number): string => `${percent(share)} (${whole(share * TEST_DIGITS)} of ${whole(TEST_DIGITS)})`;
  const spent = (milliseconds: number, { steps }: TrainerResult): string =>
    `${duration(milliseconds / 1000)}, ${short(milliseconds / Math.max(1, steps))} ms a step`;
  const rows: [string, Cell, shown?: boolean][] = [
    ['backend', ({ backend }) => backend],
    ['test accuracy', ({ accuracy }) => count(accuracy)],
    [
      'without the average',
      ({ accuracyWithoutAverage }) => count(accuracyWithoutAverage ?? 0),
      results.some(({ accuracyWithoutAverage }) => accuracyWithoutAverage !== null),
    ],
    ['training loss', ({ losses }) => lossText(losses)],
    ['steps', ({ steps }) => `${whole(steps)} in ${run.epochs} ${run.epochs === 1 ? 'epoch' : 'epochs'}`],
    ['steps dropped', ({ droppedSteps }) => whole(droppedSteps), results.some(({ droppedSteps }) => droppedSteps > 0)],
    ['gradients', (result) => spent(result.milliseconds.gradients, result)],
    ['optimizer', (result) => spent(result.milliseconds.optimizer, result)],
    ['gradients live in', ({ gradientsIn }) => gradientsIn],
    [
      'copies a step',
      (result) =>
        result.copiesPerStep === 0
          ? 'none'
          : `${result.copiesPerStep} arrays: ${spent(result.milliseconds.copies, result)}`,
    ],
    ["optimizer's share", ({ optimizerShare }) => percent(optimizerShare)],
    ['time in all', () => duration(run.seconds)],
    ['weights (SHA-256)', ({ weightsHash }) => weightsHash.slice(0, 16)],
  ];
  return rows.filter(([, , shown = true]) => shown).map(([name, cell]) => [name, cell]);
}

function lossText(losses: readonly number[]): string {
  const [first, last] = [losses.at(0), losses.at(-1)];
  if (first === undefined || last === undefined) return '-';
  return losses.length === 1 ? short(last) : `${short(first)} in the first epoch, ${short(last)} in the last`;
}
