import { type Backend, type Feature, type FloatArray, type HostTensor, type Program, SgdError } from '@sgd/core';
import { Memory } from './memory.ts';
import { CpuSession } from './session.ts';
import { came, type CpuGradient, type CpuVariable, type Shaped, sizeOf, typeOf } from './tensor.ts';

const FEATURES: readonly Feature[] = [
  'momentum',
  'nesterov',
  'weight-decay',
  'accumulation',
  'average',
  'finite-check',
  'clip-value',
  'clip-norm',
  'clip-global-norm',
  'groups',
  'measure',
  'overwrite',
  'constraint',
  'float64',
];

const copyOf = ({ data, shape, name }: HostTensor): Shaped => ({ data: data.slice(), shape: [...shape], name });

/** What is handed to the kernels of `value`, if it looks like a variable or gradient; shape `null`: a bare array. */
function describe(variable: CpuVariable): { name?: string | undefined; shape: readonly number[]; dtype: string } {
  const bare = ArrayBuffer.isView(variable);
  const data = bare ? variable : variable?.data;
  const type = typeOf(data);
  const shape = bare ? [variable.length] : variable?.shape;
  if (type && Array.isArray(shape) && sizeOf(shape) === data.length) {
    return { name: bare ? undefined : variable.name, shape: [...shape], dtype: type };
  }
  throw new SgdError(
    'SGD_UNKNOWN_VARIABLE',
    `not a variable of the backend "cpu": got ${came(variable)}; expected a Float32Array or Float64Array, bare or as { data, shape, name? }`,
  );
}

/**
 * The typed-array engine: plain JavaScript, no set-up, the same bits as Keras on its numpy backend.
 *
 * Variables are `Float32Array`s or `Float64Array`s, bare or as `{ data, shape, name? }`, and are updated in place; on shared memory too.
 * A gradient has the variable's type and as many elements; one with a shape has the variable's shape. All features are supported,
 * with tolerance 0.
 *
 * Float32 variables are computed in float32, rounded after every operation in Keras's order, norms summed in numpy's pairwise
 * order; float64 variables in float64. Under a global norm over both, the norm is formed in float64 and the float32 gradients are
 * scaled by it before they are rounded, as Keras does.
 *
 * Each call makes an engine of its own. `open` throws `SgdError` `SGD_INVALID_OPTION` when variables overlap in memory, a step
 * throws `SGD_DETACHED` when the memory of a variable was detached or resized.
 */
export function cpu(): Backend<CpuVariable, CpuGradient, 'sync'> {
  const memories = new WeakMap<Program, Memory>();
  let lastProgram: Program | undefined;
  let memory: Memory | undefined;
  return {
    contract: 1,
    name: 'cpu',
    mode: 'sync',
    supports: new Set(FEATURES),
    tolerance: { rtol: 0, atol: 0 },
    variable: copyOf,
    gradient: copyOf,
    free() {},
    describe,
    refuses(gradient, index, program) {
      const { dtype, shape } = program.variables[index]!;
      const bare = ArrayBuffer.isView(gradient);
      const data = bare ? gradient : gradient?.data;
      if (typeOf(data) !== dtype || data.length !== sizeOf(shape) || !(bare || sameShape(gradient.shape, shape))) {
        return came(gradient);
      }
      if (program !== lastProgram) {
        lastProgram = program;
        memory = memories.get(program);
      }
      const path = memory?.overlaps(data);
      return path === undefined ? null : `memory that it shares with the variable "${path}"`;
    },
    open(program, variables) {
      const opened = new Memory(program, variables);
      const session = new CpuSession(program, variables, opened);
      memories.set(program, opened);
      lastProgram = undefined;
      return session;
    },
  };
}

function sameShape(a: unknown, b: readonly number[]): boolean {
  if (!Array.isArray(a) || a.length !== b.length) return false;
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
