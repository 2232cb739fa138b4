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

/** The part of a `GPU` that only modes on WebGL have. */
interface WithMaps extends Gpu {
  createKernelMap(kept: object, source: string, settings: object): unknown;
}

/** Gives what it takes, which is a result of the kernel from then on. */
const KEEP = 'function keep(v) { return v; }';

// Kernels are kept as long as their GPU: to destroy one breaks others of the same context.
const caches = new WeakMap<Gpu, Map<string, Kernel>>();

/**
 * The kernel of a formula on a GPU, made once for each kind of argument. `own` are the arrays whose elements the functions of `native` find, in the language of
 * the device.
 */
export function kernelOf(
  gpu: Gpu,
  formula: Formula,
  kind: Kind,
  rank = 1,
  own?: string,
  native?: (array: string) => Readonly<Record<string, string>>,
): Kernel {
  const { arrays, numbers, body, keeps } = formula;
  const key = [kind, rank, own, arrays, numbers, body].join();
  let cache = caches.get(gpu);
  if (!cache) caches.set(gpu, (cache = new Map()));
  let kernel = cache.get(key);
  if (!kernel) {
    const functions = Array.from(arrays).flatMap((x) => Object.entries((own !== undefined && native?.(x)) || {}));
    const settings = {
      ...SETTINGS,
      argumentTypes: [
        ...Array.from(arrays, () => kind),
        ...Array.from(numbers, (name) => (name === 'n' ? 'Integer' : 'Float')),
      ],
      output: [1, 1, 1].slice(0, rank),
      ...(functions.length > 0 && {
        nativeFunctions: functions.map(([name, code]) => ({
          name,
          source: `float ${name}() ${code}`,
          returnType: 'Number',
          argumentTypes: {},
        })),
      }),
    };
    const source = sourceOf(formula, own);
    kernel = (
      keeps ? (gpu as WithMaps).createKernelMap({ kept: KEEP }, source, settings) : gpu.createKernel(source, settings)
    ) as Kernel;
    cache.set(key, kernel);
  }
  return kernel;
}
