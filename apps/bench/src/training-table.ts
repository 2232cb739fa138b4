import { table } from './table.ts';
import type { TrainingRow } from './training.ts';

/** What it is, and the table. */
export function trainingTable(rows: readonly TrainingRow[]): string[] {
  const milliseconds = (value: number): string => value.toPrecision(3);
  return [
    'Steps of a training (784-128-10 on digits, 64 a batch, gradients by TensorFlow.js on wasm), milliseconds; two optimizers take turns',
    table(
      ['optimizer', 'beside', 'gradients', 'copies', 'optimizer', 'whole step', 'times as fast', "optimizer's share"],
      rows.map((row) => [
        row.optimizer,
        row.beside,
        milliseconds(row.gradients),
        row.copies === 0 ? 'none' : milliseconds(row.copies),
        milliseconds(row.step),
        milliseconds(row.whole),
        row.speed.toFixed(2),
        `${(100 * row.share).toFixed(1)} %`,
      ]),
      2,
    ),
  ];
}
