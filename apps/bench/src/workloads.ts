import { readdirSync, readFileSync } from 'node:fs';

/** Variables that an optimizer steps over. */
export interface Workload {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly elements: number;
}

/** A file in `workloads/`: the parameters of a model as its library makes them. */
interface Model {
  readonly id: string;
  readonly total: number;
  readonly params: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** Elements of a tensor. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

const workload = (name: string, shapes: Workload['shapes']): Workload => ({
  name,
  shapes,
  elements: shapes.reduce((sum, shape) => sum + sizeOf(shape), 0),
});

const FLAT = { '1e1': 10, '1e2': 100, '1e3': 1e3, '1e5': 1e5, '1e6': 1e6, '1e7': 1e7, '16M': 16e6 };
/** Models that are also timed as one flat variable of the same size: what many variables cost. */
const ALSO_FLAT = ['mobilenet_v2', 'resnet50'];

const folder = new URL('../workloads/', import.meta.url);
const models = readdirSync(folder)
  .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Model)
  .toSorted((a, b) => a.total - b.total);

/** One flat variable of each size, 200 small ones, and the models, by size. */
export const WORKLOADS: readonly Workload[] = [
  ...Object.entries(FLAT).map(([name, size]) => workload(name, [[size]])),
  workload('200x16x16', Array<number[]>(200).fill([16, 16])),
  ...models.flatMap(({ id, total, params }) => [
    workload(
      id,
      params.map(({ shape }) => shape),
    ),
    ...(ALSO_FLAT.includes(id) ? [workload(`${id}:flat`, [[total]])] : []),
  ]),
];
