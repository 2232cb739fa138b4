import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

// as wide as the text of a page on a phone, so that letters stay as large as they are here
const WIDTH = 340;
const PANEL = 150;
const MARGIN = { top: 40, right: 98, bottom: 40, left: 40 };
const GAP = 34;
const LABEL = 13;
/** Told apart on white and on black, also by those who see fewer colours; the same engine has the same one in all charts. */
const COLOURS = {
  cpu: '#3b82f6',
  wasm: '#f59e0b',
  webasm: '#f59e0b',
  node: '#84cc16',
  webgl: '#14b8a6',
  webgl2: '#ef4444',
  webgpu: '#a855f7',
};
const STYLE = `
  svg { color: #1f2328; background: #ffffff; }
  @media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117; } }
`;

/** Label places for these values, from the top down, no two nearer than a line of text; all in logarithms. */
function spread(values, least) {
  const order = values.map((value, i) => ({ value, i })).toSorted((a, b) => a.value - b.value);
  for (let pass = 0; pass < 50; pass++) {
    for (let k = 1; k < order.length; k++) {
      const [below, above] = [order[k - 1], order[k]];
      const lacking = least - (above.value - below.value);
      if (lacking <= 0) continue;
      below.value -= lacking / 2;
      above.value += lacking / 2;
    }
  }
  return order.toSorted((a, b) => a.i - b.i).map(({ value }) => value);
}

/**
 * Nanoseconds an element by the number of elements, both logarithmic, as one SVG that needs nothing else: a panel for each place, a line for each
 * engine, dashed where a program plays the GPU.
 *
 * @param panels - `{ title, rows: [{ label, device, nanoseconds }] }`
 */
export function chart(panels) {
  const points = panels.flatMap(({ title, rows }) =>
    rows.flatMap(({ label, device, nanoseconds }) =>
      Object.entries(nanoseconds).map(([elements, ns]) => ({ title, label, device, elements: Number(elements), ns })),
    ),
  );
  const [low, high] = [Math.min(...points.map(({ ns }) => ns)) / 1.4, Math.max(...points.map(({ ns }) => ns)) * 1.4];
  const powers = [0.1, 1, 10, 100, 1e3, 1e4, 1e5].filter((ns) => ns >= low && ns <= high);
  const largest = Math.max(...points.map(({ elements }) => elements));
  const line = (Math.log(high / low) * LABEL) / PANEL;
  const ends = panels.flatMap(({ title }) => {
    const last = points.filter((point) => point.title === title && point.elements === largest);
    const places = spread(
      last.map(({ ns }) => Math.log(ns)),
      line,
    );
    return last.map((point, i) => ({ ...point, at: Math.exp(places[i]) }));
  });
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const solid = points.filter(({ device }) => device !== 'software');
  const dashed = points.filter(({ device }) => device === 'software');
  const lines = { x: 'elements', y: 'ns', fy: 'title', stroke: 'label', strokeWidth: 2 };
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: MARGIN.top + MARGIN.bottom + panels.length * PANEL + (panels.length - 1) * GAP,
    marginTop: MARGIN.top,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    marginLeft: MARGIN.left,
    style: { fontSize: '12px' },
    x: { type: 'log', label: 'elements', labelAnchor: 'center', labelArrow: 'none', ticks: 5, tickFormat: '~s' },
    y: { type: 'log', domain: [low, high], label: null, ticks: powers, tickFormat: '~s', grid: true },
    fy: { domain: panels.map(({ title }) => title), axis: null, padding: GAP / (PANEL + GAP) },
    color: { domain: Object.keys(COLOURS), range: Object.values(COLOURS) },
    marks: [
      Plot.lineY(solid, { ...lines, z: 'label' }),
      Plot.lineY(dashed, { ...lines, z: 'label', strokeDasharray: '3 4' }),
      Plot.dot(points, { x: 'elements', y: 'ns', fy: 'title', fill: 'label', r: 2.5 }),
      Plot.text(ends, { x: largest, y: 'at', fy: 'title', text: 'label', textAnchor: 'start', dx: 18 }),
      Plot.dot(ends, { x: largest, y: 'at', fy: 'title', fill: 'label', r: 4, dx: 11, symbol: 'square' }),
      Plot.text(panels, {
        fy: 'title',
        text: ({ title }) => `${title}, ns an element`,
        frameAnchor: 'top-left',
        dx: 4 - MARGIN.left,
        dy: -18,
        fontWeight: 'bold',
      }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const style = document.createElement('style');
  style.textContent = STYLE;
  svg.prepend(style);
  return `${svg.outerHTML}\n`;
}
