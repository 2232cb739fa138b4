import { type Backend, type Feature, type FloatArray, type HostTensor, type Program, SgdError } from '@sgd/core';
import { type Memory, overlapped } from './memory.ts';
import { openSession } from './session.ts';
import { arrayOf, came, type CpuGradient, type CpuVariable, type Shaped, sizeOf, typeOf } from './tensor.ts';

const FEATURES =
  'momentum nesterov weight-decay accumulation average finite-check clip-value clip-norm clip-global-norm groups measure overwrite constraint float64';

const copyOf = ({ data, shape, name }: HostTensor): Shaped => ({ data: data.slice(), shape: [...shape], name });

function describe(variable: CpuVariable): ReturnType<Backend<CpuVariable>['describe']> {
  const data = arrayOf(variable);
  const { shape, name } = data === variable ? { shape: [data.length], name: undefined } : (variable as Shaped);
  if (typeOf(data) && Array.isArray(shape) && sizeOf(shape) === data.length)
    return { name, shape, dtype: typeOf(data)! };
  throw new SgdError(
    'SGD_UNKNOWN_VARIABLE',
    `a variable of cpu is a Float32Array or Float64Array, or { data, shape, name? } of one; got ${came(variable)}`,
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
    supports: new Set(FEATURES.split(' ') as Feature[]),
    tolerance: { rtol: 0, atol: 0 },
    variable: copyOf,
    gradient: copyOf,
    free() {},
    describe,
    refuses(gradient, index, program) {
      const { dtype, shape } = program.variables[index]!;
      const data = arrayOf(gradient);
      if (
        typeOf(data) !== dtype ||
        data.length !== sizeOf(shape) ||
        !(data === gradient || sameShape((gradient as Shaped).shape, shape))
      ) {
        return came(gradient);
      }
      if (program !== lastProgram) memory = memories.get((lastProgram = program));
      const path = memory && overlapped(memory, data);
      return path ? `memory of the variable "${path}"` : null;
    },
    open(program, variables) {
      const opened: Memory = new Map();
      variables.forEach((variable, i) => {
        const { path } = program.variables[i]!;
        const data = arrayOf(variable);
        const other = overlapped(opened, data);
        if (other) throw new SgdError('SGD_INVALID_OPTION', `the variables "${other}" and "${path}" share memory`);
        const { buffer, byteOffset, byteLength } = data;
        const spans = opened.get(buffer) ?? [];
        spans.push({ start: byteOffset, end: byteOffset + byteLength, path });
        opened.set(buffer, spans);
      });
      memories.set(program, opened);
      return openSession(program, variables, () => opened.clear());
    },
  };
}

function sameShape(a: unknown, b: readonly number[]): boolean {
  if (!Array.isArray(a) || a.length !== b.length) return false;
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
