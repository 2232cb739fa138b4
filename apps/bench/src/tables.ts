import Table from 'cli-table3';
import type { HeapRow } from './heap.ts';
import type { Machine } from './machine.ts';
import type { OverheadRow } from './overhead.ts';
import type { StepRow } from './steps.ts';

/** Everything that was measured. */
export interface Results {
  readonly machine: Machine;
  readonly rows: readonly StepRow[];
  readonly overhead: readonly OverheadRow[];
  readonly heap: readonly HeapRow[];
}

const NOISY = 0.1;

/** The tables that people read. */
export function tables({ machine, rows, overhead, heap }: Results): string {
  const { cpu, cores, memoryGB, system, node, load } = machine;
  const parts = [`${cpu}, ${cores} cores, ${memoryGB} GB, ${system}, Node ${node}, load ${load}`];
  if (rows.length > 0) {
    parts.push(
      'Whole steps over one flat float32 variable; "x loop": times the speed of the plain loop',
      stepTable(rows),
    );
    if (rows.some((row) => row.spread > NOISY)) parts.push('* noisy: the quartiles are more than 10 % from the median');
  }
  if (overhead.length > 0) {
    parts.push('A step over variables of one element: what it costs beside the arithmetic', overheadTable(overhead));
  }
  if (heap.length > 0)
    parts.push(
      `Growth of the heap over ${heap[0]!.steps} steps after 30,000 to warm up, nothing collected`,
      heapTable(heap),
    );
  return `${parts.join('\n\n')}\n`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const made = new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
};

function stepTable(rows: readonly StepRow[]): string {
  const body = rows.map((row) => [
    `${row.options} ${row.workload}`,
    row.contender,
    `${row.nsPerElement.toFixed(2)}${row.spread > NOISY ? '*' : ''}`,
    `±${(100 * row.spread).toFixed(0)} %`,
    row.gbPerSecond.toFixed(1),
    row.ratio.toFixed(2),
  ]);
  return table(['options, elements', 'contender', 'ns/element', 'spread', 'GB/s', 'x loop'], body);
}

const overheadTable = (rows: readonly OverheadRow[]): string =>
  table(
    ['variables', 'core alone, ns', 'each further', 'with @sgd/cpu, ns', 'each further'],
    rows.map((row) => [
      String(row.variables),
      row.coreNs.toFixed(0),
      row.variables > 1 ? row.corePerFurtherNs.toFixed(1) : '',
      row.cpuNs.toFixed(0),
      row.variables > 1 ? row.cpuPerFurtherNs.toFixed(1) : '',
    ]),
  );

const heapTable = (rows: readonly HeapRow[]): string =>
  table(
    ['options', 'bytes a step', 'collections'],
    rows.map((row) => [row.options, row.bytesPerStep.toFixed(2), String(row.collections)]),
  );
