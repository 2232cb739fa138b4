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

// Kernels are kept as long as their GPU: to destroy one breaks others of the same context.
const caches = new WeakMap<Gpu, Map<string, Kernel>>();

/** The kernel of a formula on a GPU, made once for each kind of argument and rank of output. */
export function kernelOf(gpu: Gpu, formula: Formula, kind: Kind, rank = 1): Kernel {
  let cache = caches.get(gpu);
  if (!cache) caches.set(gpu, (cache = new Map()));
  const source = sourceOf(formula);
  const key = `${rank} ${kind} ${source}`;
  let kernel = cache.get(key);
  if (!kernel) {
    const { arrays, numbers, counts = '' } = formula;
    const types = [
      ...arrays.split('').map(() => kind),
      ...numbers.split('').map(() => 'Float'),
      ...counts.split('').map(() => 'Integer'),
    ];
    cache.set(
      key,
      (kernel = gpu.createKernel(source, {
        ...SETTINGS,
        argumentTypes: types,
        output: [1, 1, 1].slice(0, rank),
      }) as Kernel),
    );
  }
  return kernel;
}
