import type { Device } from './candidate.ts';
import type { Runtime } from './environment.ts';
import type { Figures } from './figures.ts';
import { RANKING } from './ranking.ts';

/** The figures that are nearest to where a program runs: of a browser, or of Node, whose compiler is that of Chromium. */
const figuresOf = (runtime: Runtime): Figures | undefined =>
  (runtime === 'page' || runtime === 'worker' ? RANKING.browser : undefined) ?? RANKING.node;

/**
 * Nanoseconds an element at a number of elements, from the two sizes beside it on a logarithmic scale; `undefined`: not measured. What a program
 * that plays a GPU takes says nothing of a GPU, nor the other way round.
 */
export function figureOf(runtime: Runtime, name: string, device: Device, elements: number): number | undefined {
  const figures = figuresOf(runtime);
  const row = figures?.nanoseconds[name];
  if (!figures || !row || figures.software.includes(name) !== (device === 'software')) return undefined;
  const points = figures.elements.flatMap((size, i) => (row[i] == null ? [] : [[size, row[i]] as const]));
  const above = points.find(([size]) => size >= elements) ?? points.at(-1);
  const below = points.findLast(([size]) => size <= elements) ?? points[0];
  if (!above || !below) return undefined;
  if (above[0] === below[0]) return above[1];
  const share = Math.log(elements / below[0]) / Math.log(above[0] / below[0]);
  return below[1] ** (1 - share) * above[1] ** share;
}
