import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Point, Valley } from './descend.ts';

/** One of at most three lines of a chart. */
export interface Line {
  readonly label: string;
  readonly points: readonly Point[];
  /** Whether each point has a mark of its own; default true. */
  readonly dots?: boolean;
}

/** What is drawn. */
export interface Chart {
  /** What one sees, for those who don't. */
  readonly description: string;
  readonly lines: readonly Line[];
  readonly x: Plot.ScaleOptions;
  readonly y: Plot.ScaleOptions;
  /** Behind the lines. */
  readonly under?: readonly Plot.Markish[];
  /** Before the lines. */
  readonly over?: readonly Plot.Markish[];
}

const WIDTH = 420;
const PLOT_HEIGHT = 250;
const LEGEND_LINE = 22;
const MARGIN = { top: 14, right: 16, bottom: 46, left: 62 };
const SVG = 'http://www.w3.org/2000/svg';

/** By line: told apart by colour, dash and mark. */
const STYLES = [
  { colour: 'var(--a)', dash: 'none', mark: 'M-2.5,0a2.5,2.5,0,1,0,5,0a2.5,2.5,0,1,0,-5,0' },
  { colour: 'var(--b)', dash: '6 3', mark: 'M-2.5,-2.5h5v5h-5Z' },
  { colour: 'var(--c)', dash: '2 3', mark: 'M0,-3.4L3.2,2.4h-6.4Z' },
] as const;

// an image has no page around it: its background is its own
const STYLE = `
svg { color: #24292f; background: #ffffff; --a: #1d4ed8; --b: #b45309; --c: #0f766e; }
@media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #161b22; --a: #79a8ff; --b: #ffb757; --c: #4fd8c4; } }
`;

/** One SVG that needs nothing else, legible on a phone, on light and on dark. */
export function draw({ description, lines, x, y, under = [], over = [] }: Chart): string {
  const top = MARGIN.top + lines.length * LEGEND_LINE;
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document,
    className: 'plot',
    width: WIDTH,
    height: top + PLOT_HEIGHT + MARGIN.bottom,
    marginTop: top,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    marginLeft: MARGIN.left,
    style: { fontSize: '14px' },
    ariaLabel: description,
    x: { ticks: 6, labelAnchor: 'center', labelArrow: 'none', labelOffset: 40, ...x },
    y: { ticks: 6, labelAnchor: 'center', labelArrow: 'none', labelOffset: 54, ...y },
    marks: [
      ...under,
      Plot.frame({ strokeOpacity: 0.4 }),
      ...lines.map(lineOf),
      ...over,
      ...lines.flatMap((line, i) => legend(line, i, top)),
    ],
  });
  svg.setAttribute('xmlns', SVG);
  svg.setAttribute('role', 'img');
  const style = document.createElement('style');
  style.textContent = STYLE;
  svg.prepend(style);
  return `${tidy(svg.outerHTML)}\n`;
}

function lineOf({ points, dots = true }: Line, i: number): Plot.Markish {
  const { colour, dash, mark } = STYLES[i]!;
  return Plot.line(points, {
    stroke: colour,
    strokeWidth: 2,
    strokeDasharray: dash,
    strokeLinejoin: 'round',
    clip: true,
    marker: dots && ((_colour, { document }) => markerOf(document, colour, mark)),
  });
}

function markerOf(document: Document, fill: string, d: string): SVGMarkerElement {
  const marker = document.createElementNS(SVG, 'marker');
  set(marker, { viewBox: '-5 -5 10 10', markerWidth: '10', markerHeight: '10', markerUnits: 'userSpaceOnUse' });
  const shape = document.createElementNS(SVG, 'path');
  set(shape, { d, fill });
  marker.append(shape);
  return marker;
}

function set(element: Element, attributes: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** Above the frame: a piece of the line, and what it is. */
function legend({ label, dots = true }: Line, i: number, top: number): Plot.Markish[] {
  const { colour, dash, mark } = STYLES[i]!;
  const y = MARGIN.top + i * LEGEND_LINE;
  const sample: Plot.RenderFunction = (_index, _scales, _values, _dimensions, { document }) => {
    const group = document.createElementNS(SVG, 'g');
    const line = document.createElementNS(SVG, 'path');
    set(line, { d: `M${MARGIN.right},${y}h36`, stroke: colour, 'stroke-width': '2', 'stroke-dasharray': dash });
    const shape = document.createElementNS(SVG, 'path');
    set(shape, { d: mark, fill: colour, transform: `translate(${MARGIN.right + 18},${y}) scale(1.4)` });
    group.append(line, ...(dots ? [shape] : []));
    return group;
  };
  const at = { frameAnchor: 'top-left', dx: MARGIN.right + 44 - MARGIN.left, dy: y - top } as const;
  return [
    sample,
    Plot.text([label], { ...at, text: (text: string) => text, textAnchor: 'start', lineAnchor: 'middle' }),
  ];
}

/** Lines of equal loss, and the place where it is least. */
export function contours({ ring, least }: Valley, levels: readonly number[]): Plot.Markish[] {
  return [
    ...levels.map((level) =>
      Plot.line(ring(level), { stroke: 'currentColor', strokeOpacity: 0.28, curve: 'catmull-rom-closed', clip: true }),
    ),
    Plot.dot([least], { symbol: 'times', stroke: 'currentColor', r: 5, strokeWidth: 2 }),
  ];
}

/** Words at a place of the chart. */
export function note(text: string, [x, y]: Point, options: Plot.TextOptions = {}): Plot.Markish {
  return Plot.text([[x, y]], { text: () => text, textAnchor: 'start', ...options });
}

/** Small, and the same on every machine: one decimal in coordinates, and the identifiers counted anew. */
function tidy(svg: string): string {
  const ids = new Map<string, string>();
  const idOf = (id: string): string => ids.get(id) ?? ids.set(id, `i${ids.size + 1}`).get(id)!;
  const short = (number: string): string => String(Number(Number(number).toFixed(1)));
  return svg
    .replaceAll(/plot-(?:clip|marker)-\d+/g, idOf)
    .replaceAll(/ (?:d|transform|x|y|cx|cy|r)="[^"]*"/g, (attribute) => attribute.replaceAll(/-?\d+\.\d{2,}/g, short));
}
