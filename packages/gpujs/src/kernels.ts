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

// Kernels are kept as long as their GPU: to destroy one breaks others of the same context.
const caches = new WeakMap<Gpu, Map<string, Kernel>>();

/** The kernel of a formula on a GPU, made once for each kind of argument. */
export function kernelOf(
  gpu: Gpu,
  formula: Formula,
  kind: Kind,
  rank = 1,
  native?: (arrays: string) => readonly Native[],
): Kernel {
  const { arrays, numbers, counts = '', body } = formula;
  const key = [kind, rank, native ? 'native' : '', arrays, numbers, body].join();
  let cache = caches.get(gpu);
  if (!cache) caches.set(gpu, (cache = new Map()));
  let kernel = cache.get(key);
  if (!kernel) {
    const typed = (names: string, type: string): string[] => names.split('').map(() => type);
    const settings = {
      ...SETTINGS,
      argumentTypes: [...typed(arrays, kind), ...typed(numbers, 'Float'), ...typed(counts, 'Integer')],
      output: [1, 1, 1].slice(0, rank),
    };
    const nativeFunctions = native?.(arrays).map((own) => ({ ...own, returnType: 'Number', argumentTypes: {} }));
    kernel = gpu.createKernel(
      sourceOf(formula, native !== undefined),
      nativeFunctions ? { ...settings, nativeFunctions } : settings,
    ) as Kernel;
    cache.set(key, kernel);
  }
  return kernel;
}
