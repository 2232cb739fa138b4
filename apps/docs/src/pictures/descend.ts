import { type Extras, SGD, type SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';

/** A place in the plane, or on a chart. */
export type Point = readonly [number, number];

/** What is minimized: `(a * (x - cx)^2 + b * (y - cy)^2) / 2`, `b / a` times as steep across as along. */
export interface Valley {
  readonly slope: (x: number, y: number) => Point;
  /** Where it is least. */
  readonly least: Point;
  /** Places of equal height. */
  readonly ring: (height: number) => Point[];
}

export function valley(a: number, b: number, [cx, cy]: Point = [0, 0]): Valley {
  const around = Array.from({ length: 32 }, (_, i) => (i * Math.PI) / 16);
  return {
    slope: (x, y) => [a * (x - cx), b * (y - cy)],
    least: [cx, cy],
    ring: (height) =>
      around.map((angle) => [
        cx + Math.sqrt((2 * height) / a) * Math.cos(angle),
        cy + Math.sqrt((2 * height) / b) * Math.sin(angle),
      ]),
  };
}

/** The path of the real optimizer down a valley: a place after every step, the start first. */
export function descend(options: SGDOptions, { slope }: Valley, start: Point, steps: number): Point[] {
  const place = Float32Array.from(start);
  const optimizer = new SGD(options, cpu());
  optimizer.build({ place });
  return [
    start,
    ...walk(steps, () => {
      optimizer.apply([Float32Array.from(slope(place[0]!, place[1]!))]);
      return [place[0]!, place[1]!];
    }),
  ];
}

/** The same with the two coordinates as variables of their own, `x` and `y`. */
export function descendApart(
  options: SGDOptions,
  { slope }: Valley,
  start: Point,
  steps: number,
  extras?: Extras,
): Point[] {
  const [x, y] = [Float32Array.of(start[0]), Float32Array.of(start[1])];
  const optimizer = new SGD(options, cpu(), extras);
  optimizer.build({ x, y });
  return [
    start,
    ...walk(steps, () => {
      const [gx, gy] = slope(x[0]!, y[0]!);
      optimizer.apply({ x: Float32Array.of(gx), y: Float32Array.of(gy) });
      return [x[0]!, y[0]!];
    }),
  ];
}

/** The same with noise in the gradients: where the weights are, and where their averages are, which start with the first step. */
export function descendNoisily(
  options: SGDOptions,
  { slope }: Valley,
  start: Point,
  steps: number,
  noise: () => number,
): { readonly weights: Point[]; readonly averages: Point[] } {
  const place = Float32Array.from(start);
  const optimizer = new SGD({ ...options, useEma: true }, cpu());
  optimizer.build({ place });
  const averages: Point[] = [];
  const weights = walk(steps, () => {
    const [gx, gy] = slope(place[0]!, place[1]!);
    optimizer.apply([Float32Array.of(gx + noise(), gy + noise())]);
    optimizer.swapAverages();
    averages.push([place[0]!, place[1]!]);
    optimizer.swapAverages();
    return [place[0]!, place[1]!];
  });
  return { weights: [start, ...weights], averages };
}

/** One weight after every call of `apply`, the start first; its gradient is a function of the weight and the call. */
export function weightOver(
  options: SGDOptions,
  start: number,
  steps: number,
  gradientOf: (weight: number, step: number) => number,
): Point[] {
  const weight = Float32Array.of(start);
  const optimizer = new SGD(options, cpu());
  optimizer.build({ weight });
  const moves = walk(steps, (step): Point => {
    optimizer.apply([Float32Array.of(gradientOf(weight[0]!, step))]);
    return [step + 1, weight[0]!];
  });
  return [[0, start], ...moves];
}

function walk(steps: number, move: (step: number) => Point): Point[] {
  return Array.from({ length: steps }, (_, step) => move(step));
}

/** About normal, with a deviation of 1; the same on every machine. */
export function noise(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return () => (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3);
}
