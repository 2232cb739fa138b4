import { COPY, COPY_LARGE, isCopy } from '../copy.ts';
import { OPTION_SETS, type OptionSet } from '../options.ts';
import { table } from '../table.ts';
import type { StepRow } from './rows.ts';

const MOMENTUM = 'momentum';

/** A table for each set of options, and one of what options cost against momentum. */
export function stepTables(rows: readonly StepRow[]): string[] {
  const sets = OPTION_SETS.filter(({ name }) => rows.some(({ options }) => options === name));
  const parts = [
    `Whole steps. GB/s: the bytes that the options need, in the time of a step. The limits are measured in between: "of ${COPY}" is the share\n` +
      `of the GB/s of copying as many elements, which caches may hold; "of memory" that of copying 16 million. "x NAME": times as fast as NAME.`,
  ];
  for (const set of sets) {
    parts.push(title(set), setTable(rows.filter(({ options }) => options === set.name)));
  }
  const parted = unique(rows.filter(({ group }) => group > 1).map(({ options, workload }) => `${options} ${workload}`));
  if (parted.length > 0) {
    parts.push(
      `Memory did not hold all contenders at once, so only those behind the same copies took turns: ${parted.join(', ')}`,
    );
  }
  if (sets.length > 1 && sets.some(({ name }) => name === MOMENTUM)) {
    parts.push('Time of a step against that with momentum', costTable(rows, sets));
  }
  return parts;
}

function title({ name, options, timed, bytes }: OptionSet): string {
  const which = timed === 'last' ? 'the micro-step that updates' : 'mean over all micro-steps';
  const accumulation = options.gradientAccumulationSteps ? `, ${which} of ${options.gradientAccumulationSteps}` : '';
  return `${name}${accumulation}: ${bytes} bytes an element`;
}

const named = (rows: readonly StepRow[], contender: string): StepRow | undefined =>
  rows.find((row) => row.contender === contender);
const unique = (all: readonly string[]): string[] => [...new Set(all)];
const marked = (text: string, row: StepRow): string => `${text}${row.noisy ? '*' : ''}`;

function setTable(rows: readonly StepRow[]): string {
  const peers = unique(rows.map(({ contender }) => contender)).filter((name) => !isCopy(name));
  const body = unique(rows.map(({ workload }) => workload)).flatMap((workload) => {
    const heat = rows.filter((row) => row.workload === workload);
    return heat.map((row, i) => [
      i === 0 ? workload : '',
      row.contender,
      marked(row.nsPerElement.toPrecision(3), row),
      `±${(100 * row.spread).toFixed(0)} %`,
      duration(row.nsPerStep),
      row.gbPerSecond.toFixed(1),
      ...shares(row, heat),
      ...peers.map((peer) => ratio(row, named(heat, peer))),
    ]);
  });
  const head = ['workload', 'contender', 'ns/element', 'spread', 'step', 'GB/s', 'of copy', 'of memory'];
  return table([...head, ...peers.map((peer) => `x ${peer}`)], body, 2);
}

/** Of copying as much, and of copying more than caches hold. */
function shares(row: StepRow, heat: readonly StepRow[]): string[] {
  const group = heat.filter((one) => one.group === row.group);
  const own = named(group, COPY);
  return [own, named(group, COPY_LARGE) ?? own].map((limit) =>
    limit ? `${((100 * row.gbPerSecond) / limit.gbPerSecond).toFixed(0)} %` : '',
  );
}

/** How many times as fast as the peer. */
function ratio(row: StepRow, peer: StepRow | undefined): string {
  return peer && peer !== row && !isCopy(row.contender) ? (peer.nsPerStep / row.nsPerStep).toFixed(2) : '';
}

function costTable(rows: readonly StepRow[], sets: readonly OptionSet[]): string {
  const others = sets.filter(({ name }) => name !== MOMENTUM).map(({ name }) => name);
  const body = rows
    .filter(({ options, contender }) => options === MOMENTUM && !isCopy(contender))
    .map((base) => {
      const same = rows.filter((row) => row.workload === base.workload && row.contender === base.contender);
      const cells = others.map((set) => same.find(({ options }) => options === set));
      return [
        base.workload,
        base.contender,
        ...cells.map((row) => (row ? marked((row.nsPerStep / base.nsPerStep).toFixed(2), row) : '')),
      ];
    })
    .filter((row) => row.slice(2).some((cell) => cell !== ''));
  return table(['workload', 'contender', ...others.map((name) => name.replaceAll('+', '\n+'))], body, 2);
}

/** Nanoseconds in the unit that suits them. */
function duration(ns: number): string {
  const [unit, size] = (
    [
      ['s', 1e9],
      ['ms', 1e6],
      ['µs', 1e3],
    ] as const
  ).find(([, from]) => ns >= from) ?? ['ns', 1];
  return `${(ns / size).toPrecision(3)} ${unit}`;
}
