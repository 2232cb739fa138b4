import uPlot from 'uplot';
import { el } from './dom.ts';
import type { Points } from './history.ts';

/** A line of a chart. */
export interface Line {
  readonly label: string;
  /** Whose colour it has. */
  readonly run: 'a' | 'b';
  readonly dashed?: boolean;
  readonly points: Points;
}

interface ChartOptions {
  readonly title: string;
  /** How a value is written. */
  readonly format: (value: number) => string;
  /** How it is written at the axis; default: the same. */
  readonly tick?: (value: number) => string;
  /** Only values above 0, by powers of ten. */
  readonly logarithmic?: boolean;
  readonly height?: number;
}

/** Curves over the steps of a training, with the values at the pointer or the last ones. */
export class Chart {
  readonly element: HTMLElement;
  readonly #options: ChartOptions;
  readonly #keys = el('span', { className: 'keys' });
  readonly #canvas = el('div', { className: 'canvas', role: 'img' });
  #lines: readonly Line[] = [];
  #steps = 1;
  #plot: uPlot | null = null;
  /** What the plot was made for: another number of lines or other colours need another plot. */
  #made = '';

  constructor(options: ChartOptions) {
    this.#options = options;
    const caption = el('figcaption', {}, el('span', { className: 'title' }, options.title), this.#keys);
    this.element = el('figure', { className: 'chart' }, caption, this.#canvas);
  }

  /** `steps`: how long the training is. */
  draw(lines: readonly Line[], steps: number): void {
    this.#lines = lines;
    this.#steps = steps;
    this.redraw();
  }

  /** Draws again: the size or the colours may have changed. */
  redraw(): void {
    const width = Math.floor(this.#canvas.clientWidth);
    if (width === 0) return; // hidden
    const colours = coloursOf(this.element);
    const made = JSON.stringify([colours, this.#lines.map(({ label, run, dashed }) => [label, run, dashed])]);
    if (made !== this.#made) {
      this.#plot?.destroy();
      this.#plot = this.#make(width, colours);
      this.#made = made;
    } else if (this.#plot!.width !== width) {
      this.#plot!.setSize({ width, height: this.#height });
    }
    this.#plot!.setData(aligned(this.#lines), false);
    this.#scale(this.#plot!);
    this.#say(null);
  }

  get #empty(): boolean {
    return this.#lines.every(({ points }) => points.length === 0);
  }

  get #height(): number {
    return this.#options.height ?? 190;
  }

  #make(width: number, colours: Colours): uPlot {
    const { format, tick = format, logarithmic } = this.#options;
    const font = '12px system-ui, sans-serif';
    const axis = { stroke: colours.faint, font, grid: { stroke: colours.line, width: 1 }, ticks: { show: false } };
    return new uPlot(
      {
        width,
        height: this.#height,
        padding: [8, 16, 0, 0],
        legend: { show: false },
        cursor: { y: false, sync: { key: 'playground' }, drag: { x: false, y: false }, points: { size: 6 } },
        scales: { x: { time: false, auto: false }, y: { auto: false, ...(logarithmic && { distr: 3 as const }) } },
        series: [
          {},
          ...this.#lines.map(({ label, run, dashed }) => ({
            label,
            stroke: colours[run],
            width: dashed ? 1.25 : 2,
            spanGaps: true,
            points: { show: false },
            // B may lie on A, and averages on both
            ...((dashed || run === 'b') && { dash: dashed ? [2, 3] : [7, 5] }),
          })),
        ],
        axes: [
          { ...axis, size: 28, gap: 4, space: 60 },
          {
            ...axis,
            size: 56,
            gap: 6,
            space: 36,
            values: (_, at) => at.map((v) => (this.#empty || !isLabelled(v, logarithmic) ? '' : tick(v))),
          },
        ],
        hooks: { setCursor: [(plot) => this.#say(plot.cursor.idx ?? null)] },
      },
      aligned(this.#lines),
      this.#canvas,
    );
  }

  /** The whole training from left to right; from bottom to top what there is. */
  #scale(plot: uPlot): void {
    const values = this.#lines.flatMap(({ points }) => points.map(([, value]) => value));
    const least = values.reduce((a, b) => Math.min(a, b), Infinity);
    const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
    const { logarithmic } = this.#options;
    const room = least < most ? (most - least) * 0.06 : Math.abs(most) * 0.1 || 1;
    plot.batch(() => {
      plot.setScale('x', { min: 0, max: this.#steps });
      if (values.length === 0) plot.setScale('y', logarithmic ? { min: 1, max: 100 } : { min: 0, max: 1 });
      else if (logarithmic) plot.setScale('y', decades(least, most));
      else plot.setScale('y', { min: least >= 0 ? Math.max(0, least - room) : least - room, max: most + room });
    });
  }

  /** Writes the values at an index, or the last ones. */
  #say(index: number | null): void {
    const data = index === null ? null : this.#plot?.data;
    const keys = this.#lines.map(({ label, run, dashed, points }, i) => {
      const at = data?.[i + 1]?.[index!];
      const value = data ? at : points.at(-1)?.[1];
      const none = this.#lines.length > 1 ? '–' : '';
      const text = value === undefined || value === null ? none : this.#options.format(value);
      return el('span', { className: `key ${run}${dashed ? ' dashed' : ''}` }, `${label} `, el('b', {}, text));
    });
    this.#keys.replaceChildren(...keys);
    const ends = this.#lines.map(({ label, points }) => {
      const [first, last] = [points[0], points.at(-1)];
      return first && last ? `${label} from ${this.#options.format(first[1])} to ${this.#options.format(last[1])}` : '';
    });
    const text = ends.filter(Boolean).join(', ');
    this.#canvas.setAttribute('aria-label', `${this.#options.title}: ${text || 'no curve yet'}`);
  }
}

/** At a logarithmic axis only powers of ten have room. uPlot leaves out the rest as `null`. */
function isLabelled(value: number | null, logarithmic: boolean | undefined): boolean {
  return value !== null && (!logarithmic || Number.isInteger(Math.log10(value)));
}

/** Whole powers of ten around two numbers. */
function decades(least: number, most: number): { min: number; max: number } {
  const low = Math.floor(Math.log10(least));
  return { min: 10 ** low, max: 10 ** Math.max(low + 1, Math.ceil(Math.log10(most))) };
}

interface Colours {
  readonly a: string;
  readonly b: string;
  readonly faint: string;
  readonly line: string;
}

/** The colours of the style sheet as they are now: a canvas knows no `light-dark()`. */
function coloursOf(element: HTMLElement): Colours {
  const probe = el('span', { hidden: true });
  element.append(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = { a: colour('a'), b: colour('b'), faint: colour('faint'), line: colour('line') };
  probe.remove();
  return colours;
}

/** One x for all lines; `null` where a line has no point. */
function aligned(lines: readonly Line[]): uPlot.AlignedData {
  const steps = [...new Set(lines.flatMap(({ points }) => points.map(([step]) => step)))].sort((a, b) => a - b);
  const rows = lines.map(({ points }) => {
    const at = new Map(points);
    return steps.map((step) => at.get(step) ?? null);
  });
  return [steps, ...rows];
}
