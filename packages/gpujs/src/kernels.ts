import { type Formula, sourceOf } from './formula.ts';
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
const caches = new WeakMap<Gpu, Map<Formula, Map<string, Kernel>>>();

/** How a kernel takes its tensors. */
export interface KernelForm {
  readonly kind: Kind;
  /** Dimensions of the output; default 1. */
  readonly rank?: number;
  /** The tensors whose elements the functions of `native` find, in the language of the device. */
  readonly own?: readonly string[] | undefined;
  readonly native?: (tensor: string) => Readonly<Record<string, string>>;
}

/** The kernel of a formula on a GPU, made once for each form. */
export function kernelOf(gpu: Gpu, formula: Formula, form: KernelForm): Kernel {
  const { kind, rank = 1, own } = form;
  const key = own === undefined ? `${kind} ${rank}` : `${kind} ${rank} ${own.join()}`;
  let cache = caches.get(gpu);
  if (!cache) caches.set(gpu, (cache = new Map()));
  let kernels = cache.get(formula);
  if (!kernels) cache.set(formula, (kernels = new Map()));
  let kernel = kernels.get(key);
  if (!kernel) kernels.set(key, (kernel = makeKernel(gpu, formula, form)));
  return kernel;
}

function makeKernel(gpu: Gpu, formula: Formula, { kind, rank = 1, own, native }: KernelForm): Kernel {
  const { tensors, numbers, reduces, keeps } = formula;
  const functions = own === undefined || !native ? [] : tensors.flatMap((name) => Object.entries(native(name)));
  const settings = {
    ...SETTINGS,
    argumentTypes: [...tensors.map(() => kind), ...numbers.map(() => 'Float'), ...(reduces ? ['Integer'] : [])],
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
  const made = keeps
    ? (gpu as WithMaps).createKernelMap({ kept: KEEP }, source, settings)
    : gpu.createKernel(source, settings);
  return made as Kernel;
}
