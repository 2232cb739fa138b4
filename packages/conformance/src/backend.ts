import type { Backend, FloatArray, HostTensor, LossScaleOptimizer, Mode, RuleOptimizer } from '@sgd/core';

/** A backend whose handles the suite knows nothing about. */
export type AnyBackend = Backend<unknown, unknown, Mode>;

/** An optimizer over such a backend. */
export type AnyOptimizer = RuleOptimizer<unknown, unknown, Mode> | LossScaleOptimizer<unknown, unknown, Mode>;

/** Whether the backend claims Keras's bits. */
export function isExact(backend: AnyBackend): boolean {
  return backend.tolerance.rtol === 0 && backend.tolerance.atol === 0;
}

/**
 * The same backend with some members replaced. Methods keep their own `this`, so it works for class instances, private members
 * included.
 */
export function derive(backend: AnyBackend, overrides: Partial<AnyBackend>): AnyBackend {
  return {
    contract: backend.contract,
    name: backend.name,
    mode: backend.mode,
    supports: backend.supports,
    tolerance: backend.tolerance,
    variable: (values) => backend.variable(values),
    gradient: (values) => backend.gradient(values),
    free: (value) => backend.free(value),
    describe: (variable) => backend.describe(variable),
    refuses: (gradient, index, program) => backend.refuses(gradient, index, program),
    open: (program, variables) => backend.open(program, variables),
    ...overrides,
  };
}

/** A tensor on the host from plain numbers. */
export function tensor(
  values: ArrayLike<number>,
  shape: readonly number[] = [values.length],
  dtype: 'float32' | 'float64' = 'float32',
  name?: string,
): HostTensor {
  const data: FloatArray = dtype === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
  return name === undefined ? { data, shape } : { data, shape, name };
}

/** Whether a value is a promise. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
