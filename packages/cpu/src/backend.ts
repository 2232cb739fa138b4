import { type Backend, checkOptions, type HostTensor, SgdError, shown } from '@sgd/core';
import { FEATURES } from '@sgd/core/engine';
import { openSession } from './session.ts';
import { arrayOf, came, type CpuGradient, type CpuVariable, fits, type Shaped, shapeOf } from './tensor.ts';

const copyOf = (values: HostTensor): Shaped => ({ ...values, data: values.data.slice() });

function describe(variable: CpuVariable): ReturnType<Backend<CpuVariable>['describe']> {
  const data = arrayOf(variable);
  const shape = shapeOf(variable, [data?.length]);
  if (ArrayBuffer.isView(data) && fits(data.length, shape, shape)) {
    return { name: (variable as Shaped).name, shape, dtype: data[Symbol.toStringTag].slice(0, -5).toLowerCase() };
  }
  throw new TypeError(`not a variable: ${came(variable)}`);
}

/** Options of {@link cpu}. */
export interface CpuOptions {
  /**
   * Never makes functions from text, not even to see whether the page's content security policy allows it (a try would be reported as
   * a violation). Default `false`: a step is made into one loop where that is allowed. The bits are the same.
   */
  readonly jitless?: boolean | undefined;
}

/**
 * The typed-array engine: plain JavaScript, no set-up, the same bits as Keras on its numpy backend.
 *
 * Variables are `Float32Array`s or `Float64Array`s, bare (of shape `[length]`) or as `{ data, shape, name? }`, and are updated in
 * place; on shared memory too. A gradient has the variable's type and as many elements; one with a shape has the variable's shape.
 * All features are supported, with tolerance 0.
 *
 * Float32 variables are computed in float32, rounded after every operation in Keras's order, norms summed in numpy's pairwise
 * order; float64 variables in float64. Under a global norm over gradients of both types, the norm is formed in float64 and the
 * float32 gradients are multiplied by it before they are rounded, as Keras does.
 *
 * `open` throws `SgdError` `SGD_INVALID_OPTION` when variables overlap in memory. A step throws, before anything is written,
 * `SGD_DETACHED` when the memory of a variable was detached or resized, or that of a gradient since it was checked, and
 * `SGD_GRADIENT_SHAPE` when a gradient lies on memory of a variable. `describe` throws a `TypeError` for what is no variable.
 *
 * @param options - see {@link CpuOptions}
 * @returns an engine; a plain value, which any number of optimizers may share
 * @throws SgdError `SGD_INVALID_OPTION`: an option that is unknown, or no boolean
 */
export function cpu(options: CpuOptions = {}): Backend<CpuVariable, CpuGradient, 'sync'> {
  checkOptions(options, ['jitless'], 'cpu');
  const { jitless = false } = options;
  if (typeof jitless !== 'boolean') {
    throw new SgdError('SGD_INVALID_OPTION', `cpu: jitless: expected a boolean, got ${shown(jitless)}`);
  }
  return {
    contract: 2,
    name: 'cpu',
    mode: 'sync',
    supports: new Set(FEATURES),
    tolerance: { rtol: 0, atol: 0 },
    variable: copyOf,
    gradient: copyOf,
    free() {},
    describe,
    refuses(gradient, index, program) {
      const { shape, dtype } = program.variables[index]!;
      const data = arrayOf(gradient);
      // the last digit tells Float32Array and Float64Array from each other and from all others
      return data?.[Symbol.toStringTag]?.[6] === dtype[6] && fits(data.length, shapeOf(gradient, shape), shape)
        ? null
        : came(gradient, dtype === 'float64' ? 'Float64Array' : undefined);
    },
    open: (program, variables) => openSession(program, variables, jitless),
  };
}
