import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { COPY, COPY_LARGE, isCopy } from './copy.ts';
import type { Results } from './measure.ts';
import { OPTION_SETS } from './options.ts';
import type { StepRow } from './steps/rows.ts';
import { WORKLOADS } from './workloads.ts';

const WIDTH = 960;
const LINE = 22;
const MARGIN = { top: 84, right: 24, bottom: 48, left: 120 };
/** Told apart on white and on black, also by those who see fewer colours. */
const COLOURS = ['#3b82f6', '#f59e0b', '#ef4444', '#14b8a6', '#a855f7', '#84cc16', '#ec4899', '#78716c'];

const STYLE = `
  svg { color: #1f2328; background: #ffffff; }
  @media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117; } }
`;

/** The steps as one SVG that needs nothing else: GB/s by workload, a dot for each contender, bars where copying is; a part for each set of options. */
export function chart({ rows, machine }: Results): string {
  const present = (names: readonly string[], key: keyof StepRow): string[] =>
    names.filter((name) => rows.some((row) => row[key] === name));
  const sets = present(
    OPTION_SETS.map(({ name }) => name),
    'options',
  );
  const workloads = present(
    WORKLOADS.map(({ name }) => name),
    'workload',
  );
  const contenders = [...new Set(rows.map(({ contender }) => contender))].filter((name) => !isCopy(name));
  const steps = rows.filter(({ contender }) => !isCopy(contender));
  const limits = rows.filter(({ contender }) => isCopy(contender));
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: MARGIN.top + MARGIN.bottom + sets.length * (workloads.length + 1) * LINE,
    marginTop: MARGIN.top,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    marginLeft: MARGIN.left,
    style: { fontSize: '12px' },
    x: {
      type: 'log',
      nice: true,
      grid: true,
      label: 'GB/s, of the bytes that the options need →',
      labelAnchor: 'center',
      tickFormat: '~g',
    },
    y: { domain: workloads, label: null },
    fy: { domain: sets, label: null, axis: null, padding: 0.14 },
    color: { domain: contenders, range: COLOURS },
    marks: [
      Plot.frame({ strokeOpacity: 0.25 }),
      Plot.text(sets, {
        fy: (name: string) => name,
        text: (name: string) => name,
        frameAnchor: 'top-left',
        dy: -14,
        fontWeight: 'bold',
      }),
      Plot.tickX(limits, { x: 'gbPerSecond', y: 'workload', fy: 'options', strokeWidth: 2, strokeOpacity }),
      Plot.dot(steps, { x: 'gbPerSecond', y: 'workload', fy: 'options', fill: 'contender', r: 4.5, title }),
      ...legend([...contenders, ...present([COPY, COPY_LARGE], 'contender')], sets[0]),
      Plot.text([heading(machine)], { ...atTop(sets[0], 0), dy: -70, text: (text: string) => text, fontSize: 13 }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const style = document.createElement('style');
  style.textContent = STYLE;
  svg.prepend(style);
  return `${svg.outerHTML}\n`;
}

const heading = ({ cpu, cores, system, node }: Results['machine']): string =>
  `${cpu}, ${cores} cores, ${system}, Node ${node}`;

const title = ({ contender, nsPerElement, spread }: StepRow): string =>
  `${contender}: ${nsPerElement.toPrecision(3)} ns/element, ±${(100 * spread).toFixed(0)} %`;

/** The copy of more than caches hold is the fainter one. */
const opacity = (name: string): number => (name === COPY ? 1 : 0.4);
const strokeOpacity = ({ contender }: StepRow): number => opacity(contender);

/** Above the first part, so far from the left. */
const atTop = (
  set: string | undefined,
  dx: number,
): { fy: () => string | undefined; frameAnchor: 'top-left'; dx: number } => ({
  fy: () => set,
  frameAnchor: 'top-left',
  dx,
});

/** Names in a row, each behind its mark. */
function legend(names: readonly string[], set: string | undefined): Plot.Markish[] {
  let dx = 4;
  return names.flatMap((name) => {
    const at = { ...atTop(set, dx), dy: -40 };
    dx += 24 + 7.5 * name.length;
    const label = Plot.text([name], { ...at, dx: at.dx + 9, text: (text: string) => text, textAnchor: 'start' });
    const mark = isCopy(name)
      ? Plot.text(['|'], {
          ...at,
          text: (text: string) => text,
          fontWeight: 'bold',
          fillOpacity: opacity(name),
          textAnchor: 'middle',
        })
      : Plot.dot([name], { ...at, fill: (text: string) => text, r: 4.5 });
    return [mark, label];
  });
}
