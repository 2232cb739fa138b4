import { type HeapRow, WARM_UP } from './heap.ts';
import type { Results } from './measure.ts';
import type { OverheadRow } from './overhead.ts';
import { setsTable } from './sets/table.ts';
import { stepTables } from './steps/tables.ts';
import { table } from './table.ts';
import { trainingTable } from './training-table.ts';

/** The tables that people read. */
export function tables({
  machine,
  rows,
  sets,
  skipped,
  overhead,
  heap,
  training,
  failed,
  interrupted,
}: Results): string {
  const { cpu, cores, memoryGB, system, node, load } = machine;
  const parts = [`${cpu}, ${cores} cores, ${memoryGB} GB, ${system}, Node ${node}, load ${load}`];
  if (overhead.length > 0) {
    parts.push('A step over variables of one element: what it costs beside the arithmetic', overheadTable(overhead));
  }
  if (heap.length > 0) {
    const title = `Growth of the heap over ${heap[0]!.steps} steps, nothing collected, in bytes a step`;
    parts.push(title, heapTable(heap));
  }
  if (training.length > 0) parts.push(...trainingTable(training));
  if (rows.length > 0) parts.push(...stepTables(rows));
  if (sets.length > 0) parts.push(...setsTable(sets));
  if ([...rows, ...sets].some(({ noisy }) => noisy))
    parts.push('* noisy: the quartiles are more than 10 % from the median');
  const missing = [
    ...skipped.map(({ workload, options, contender, why }) => `left out: ${contender}, ${options} ${workload}: ${why}`),
    ...failed.map(({ name, why }) => `failed: ${name}: ${why}`),
  ];
  if (missing.length > 0) parts.push(missing.join('\n'));
  if (interrupted) parts.push('interrupted: these are the figures that there were');
  return `${parts.join('\n\n')}\n`;
}

function overheadTable(rows: readonly OverheadRow[]): string {
  return table(
    ['variables', 'core alone, ns', 'each further', 'with @sgd/cpu, ns', 'each further'],
    rows.map((row) => [
      String(row.variables),
      row.coreNs.toFixed(0),
      row.variables > 1 ? row.corePerFurtherNs.toFixed(1) : '',
      row.cpuNs.toFixed(0),
      row.variables > 1 ? row.cpuPerFurtherNs.toFixed(1) : '',
    ]),
  );
}

function heapTable(rows: readonly HeapRow[]): string {
  return table(
    ['options', 'core alone', 'with @sgd/cpu', `after ${WARM_UP} steps to warm up`, 'collections'],
    rows.map((row) => [
      row.options,
      row.coreBytes.toFixed(2),
      row.cpuBytes.toFixed(2),
      row.cpuWarmBytes.toFixed(2),
      String(row.collections),
    ]),
  );
}
