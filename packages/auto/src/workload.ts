import { checkOptions, type Extras, SGD, SgdError, type SGDOptions, shown, shownShape } from '@sgd/core';
import type { AnyBackend, Gradients } from './backends.ts';
import { Unusable } from './environment.ts';

/** What will be trained: shapes of the variables, and the options of the optimizer. */
export interface Workload {
  /** The shape of each variable; `[]` is a scalar. */
  readonly shapes: readonly (readonly number[])[];
  /** Type of the variables; default `float32`. */
  readonly dtype?: 'float32' | 'float64' | undefined;
  /** Options of `SGD`; default: momentum 0.9. Engines without a feature that they need are left out. */
  readonly options?: SGDOptions | undefined;
  /** Of the third argument of `SGD`, what engines may lack. */
  readonly extras?: Pick<Extras, 'nonFinite' | 'measure'> | undefined;
}

/** Steps to be taken over and over. */
export interface Run {
  readonly step: () => unknown;
  /** Waits for what a device works on after its steps have returned. */
  readonly settle: () => Promise<unknown>;
  readonly dispose: () => Promise<void>;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, dimension) => product * dimension, 1);

/** Number of elements of all variables. */
export const elementsOf = ({ shapes }: Workload): number => shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);

/** Throws unless the workload is one. */
export function wantWorkload(workload: Workload): void {
  checkOptions(workload, ['shapes', 'dtype', 'options', 'extras'], 'workload');
  const { shapes, dtype = 'float32' } = workload;
  const isShape = (shape: unknown): boolean =>
    Array.isArray(shape) && shape.every((dimension) => Number.isSafeInteger(dimension) && (dimension as number) >= 0);
  if (!Array.isArray(shapes) || shapes.length === 0 || !shapes.every(isShape)) {
    throw new SgdError(
      'SGD_INVALID_OPTION',
      `workload.shapes: expected a list of shapes such as [[784, 128], [128]], got ${Array.isArray(shapes) ? `[${shapes.slice(0, 9).map(shownShape).join()}]` : shown(shapes)}`,
    );
  }
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new SgdError('SGD_INVALID_OPTION', `workload.dtype: expected "float32" or "float64", got ${shown(dtype)}`);
  }
}

const arrayOf = (dtype: Workload['dtype'], length: number): Float32Array | Float64Array =>
  dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);

/**
 * A real step over two numbers, whose result every arithmetic has exactly.
 *
 * @throws Unusable when the engine gives another one
 */
export async function wantRightStep(backend: AnyBackend, dtype: Workload['dtype']): Promise<void> {
  const make = (values: readonly number[]) => {
    const data = arrayOf(dtype, values.length);
    data.set(values);
    return { data, shape: [values.length] };
  };
  const variable: unknown = backend.variable(make([1, 2]));
  const gradient: unknown = backend.gradient(make([1, -2]));
  const optimizer = new SGD({ learningRate: 0.5, momentum: 0.5 }, backend);
  try {
    await optimizer.build([variable]);
    for (let step = 0; step < 2; step++) await optimizer.apply([gradient]);
    const got = [...(await optimizer.read(optimizer.trainablePaths[0]!))].join();
    // m = -0.5, then -0.25 - 0.5; the other twice as much, the other way
    if (got !== '-0.25,4.5') throw new Unusable(`two steps from 1, 2 gave ${got}, expected -0.25,4.5`);
  } finally {
    const current = optimizer.trainableVariables;
    await optimizer.dispose();
    for (const handle of current) backend.free(handle);
    backend.free(gradient);
  }
}

/** Builds the optimizer of the workload, with gradients that are neither zero nor subnormal. */
export async function start(backend: AnyBackend, gradients: Gradients, workload: Workload): Promise<Run> {
  const { shapes, dtype, options = { momentum: 0.9 }, extras } = workload;
  const optimizer = new SGD(options, backend, extras);
  const make = (shape: readonly number[], value: number, of: 'variable' | 'gradient'): unknown => {
    const data = arrayOf(dtype, sizeOf(shape)).fill(value);
    // ordinary arrays are what a user has on the host; tensors of an arena would spare the copy
    return gradients === 'host' ? { data, shape } : backend[of]({ data, shape });
  };
  const given = shapes.map((shape) => make(shape, 1e-3, 'gradient'));
  await optimizer.build(shapes.map((shape) => make(shape, 1, 'variable')));
  const smallest = shapes.reduce((least, shape, i) => (sizeOf(shape) < sizeOf(shapes[least]!) ? i : least), 0);
  const path = optimizer.trainablePaths[smallest]!;
  return {
    step: () => optimizer.apply(given),
    settle: () => optimizer.read(path),
    async dispose() {
      const current = optimizer.trainableVariables;
      await optimizer.dispose();
      if (gradients !== 'host') for (const handle of [...current, ...given]) backend.free(handle);
    },
  };
}
