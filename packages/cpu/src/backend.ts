import { type Backend, type Feature, type FloatArray, type HostTensor, type Program, SgdError } from '@sgd/core';
import { nothing } from './plan.ts';
import { openSession } from './session.ts';
import { arrayOf, came, type CpuGradient, type CpuVariable, fits, type Shaped, shapeOf } from './tensor.ts';

const FEATURES =
  'momentum nesterov weight-decay accumulation average finite-check clip-value clip-norm clip-global-norm groups measure overwrite constraint float64';

const copyOf = (values: HostTensor): Shaped => ({ ...values, data: values.data.slice() });

function describe(variable: CpuVariable): ReturnType<Backend<CpuVariable>['describe']> {
  const data = arrayOf(variable);
  const shape = shapeOf(variable, [data?.length]);
  if (ArrayBuffer.isView(data) && fits(data.length, shape, shape)) {
    return { name: (variable as Shaped).name, shape, dtype: data[Symbol.toStringTag].slice(0, -5).toLowerCase() };
  }
  throw new TypeError(`not a variable: ${came(variable)}`);
}

/** Where variables lie: start and end of each in its buffer, one after the other. */
type Spans = WeakMap<ArrayBufferLike, number[]>;

/** Whether an array lies on a variable, in part at least; if not, it may become one itself. */
function overlaps(spans: Spans, { buffer, byteOffset, byteLength }: FloatArray, joins: boolean): boolean {
  const end = byteOffset + byteLength;
  const places = spans.get(buffer) ?? nothing;
  for (let i = 0; i < places.length; i += 2)
    if (Math.max(places[i]!, byteOffset) < Math.min(places[i + 1]!, end)) return true;
  if (joins) spans.set(buffer, [...places, byteOffset, end]);
  return false;
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
  const opened = new WeakMap<Program, Spans>();
  // of the program that was asked for last
  let asked: Program;
  let spans: Spans;
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
      if (program !== asked) spans = opened.get((asked = program))!;
      const { shape, dtype } = program.variables[index]!;
      const data = arrayOf(gradient);
      // the last digit tells Float32Array and Float64Array from each other and from all others
      return data?.[Symbol.toStringTag]?.[6] !== dtype[6] || !fits(data.length, shapeOf(gradient, shape), shape)
        ? came(gradient)
        : overlaps(spans, data, false)
          ? 'memory of a variable'
          : null;
    },
    open(program, variables) {
      const arrays = variables.map(arrayOf);
      opened.set((asked = program), (spans = new WeakMap()));
      arrays.forEach((data, i) => {
        if (!overlaps(spans, data, true)) return;
        throw new SgdError('SGD_INVALID_OPTION', `"${program.variables[i]!.path}" shares memory of a variable`);
      });
      return openSession(program, variables, arrays);
    },
  };
}
