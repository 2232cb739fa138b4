import type { Runtime } from './environment.ts';
import { RANKING } from './ranking.ts';

/** Steps of momentum over flat variables, as `apps/bench` timed them. */
export interface Figures {
  /** On what it was measured. */
  readonly machine: string;
  readonly rows: readonly {
    readonly name: string;
    readonly elements: number;
    readonly nanosecondsPerElement: number;
  }[];
}

/** The figures that are nearest to where a program runs: of a browser, or of Node, whose compiler is that of Chromium. */
const figuresOf = (runtime: Runtime): Figures | undefined =>
  (runtime === 'page' || runtime === 'worker' ? RANKING.browser : undefined) ?? RANKING.node;

/** Nanoseconds an element at a number of elements, from the two sizes beside it on a logarithmic scale; `undefined`: not measured. */
export function figureOf(runtime: Runtime, name: string, elements: number): number | undefined {
  const rows = figuresOf(runtime)?.rows.filter((row) => row.name === name) ?? [];
  const sorted = rows.toSorted((a, b) => a.elements - b.elements);
  const above = sorted.find((row) => row.elements >= elements) ?? sorted.at(-1);
  const below = sorted.findLast((row) => row.elements <= elements) ?? sorted[0];
  if (!above || !below) return undefined;
  if (above.elements === below.elements) return above.nanosecondsPerElement;
  const share = Math.log(elements / below.elements) / Math.log(above.elements / below.elements);
  return below.nanosecondsPerElement ** (1 - share) * above.nanosecondsPerElement ** share;
}
