import { type Formula, sourceOf } from './formulas.ts';
import type { Gpu, Kernel } from './gpu.ts';

/** How a kernel takes its arrays. A kernel never changes that: gpu.js would compute with wrong sizes from then on. */
export type Kind = 'Array' | 'ArrayTexture(1)' | 'WebGPUBuffer';

const SETTINGS = {
  pipeline: true,
  immutable: true, // a result never lies on an argument
  dynamicOutput: true,
  dynamicArguments: true,
  precision: 'single',
  tactic: 'precision', // mobile devices have less by default
};

/** Functions in the language of the device, which kernels may call. */
export interface Native {
  readonly name: string;
  readonly source: string;
}

interface Cache {
  readonly bySource: Map<string, Kernel>;
  /** The same by what they are made of, for the way to be short. */
  readonly byFormula: WeakMap<Formula, Kernel[]>;
}

// Kernels are kept as long as their GPU: to destroy one breaks others of the same context.
const caches = new WeakMap<Gpu, Cache>();

/** The kernel of a formula on a GPU, made once for each kind of argument. */
export function kernelOf(
  gpu: Gpu,
  formula: Formula,
  kind: Kind,
  rank: 1 | 2 | 3 = 1,
  native?: (arrays: string) => readonly Native[],
): Kernel {
  let cache = caches.get(gpu);
  if (!cache) caches.set(gpu, (cache = { bySource: new Map(), byFormula: new WeakMap() }));
  let made = cache.byFormula.get(formula);
  if (!made) cache.byFormula.set(formula, (made = []));
  const variant = native ? 0 : kind === 'Array' ? 4 : rank;
  return (made[variant] ??= find(gpu, cache.bySource, formula, kind, rank, native));
}

function find(
  gpu: Gpu,
  cache: Map<string, Kernel>,
  formula: Formula,
  kind: Kind,
  rank: number,
  native?: (arrays: string) => readonly Native[],
): Kernel {
  const { arrays, numbers, counts = '' } = formula;
  const source = sourceOf(formula, native !== undefined);
  const key = `${rank} ${kind} ${source}`;
  let kernel = cache.get(key);
  if (!kernel) {
    const argumentTypes = [
      ...arrays.split('').map(() => kind),
      ...numbers.split('').map(() => 'Float'),
      ...counts.split('').map(() => 'Integer'),
    ];
    const nativeFunctions = native?.(arrays).map((own) => ({ ...own, returnType: 'Number', argumentTypes: {} }));
    const settings = { ...SETTINGS, argumentTypes, output: [1, 1, 1].slice(0, rank) };
    kernel = gpu.createKernel(source, nativeFunctions ? { ...settings, nativeFunctions } : settings) as Kernel;
    cache.set(key, kernel);
  }
  return kernel;
}
