import { type DType, type FloatArray, type Program, SgdError, type Slot } from '@sgd/core';
import { compose } from './compose.ts';
import { kernels32, sum32, sums32 } from './float32.ts';
import { kernels64, sum64, sums64 } from './float64.ts';
import { NORMS, type Plan, RATES, type Type } from './plan.ts';
import { arrayOf, type CpuVariable, sizeOf } from './tensor.ts';

/** Makes zero-filled slots, and composes what is run for each variable. */
export function makePlans(program: Program, handles: readonly CpuVariable[], w: Float64Array): Plan[] {
  const { slots, variables } = program;
  const length = RATES + 3 * (1 + Math.max(...variables.map((v) => v.group)));
  const types: { [dtype in DType]?: Type } = {};
  return variables.map((variable, i): Plan => {
    const { shape, dtype, group, overwrites, constraint } = variable;
    const wide = dtype === 'float64';
    const Values = wide ? Float64Array : Float32Array;
    const size = sizeOf(shape);
    const type = (types[dtype] ??= {
      kernels: wide ? kernels64 : kernels32,
      sum: wide ? sum64 : sum32,
      sums: wide ? sums64 : sums32,
      squares: new Values(variables.length),
      ones: new Values(variables.length).fill(1),
      k: new Values(length),
    });
    const slot = (kind: Exclude<Slot, 'variable'>): FloatArray => {
      const has = slots.has(kind) && !(overwrites && kind !== 'accumulator');
      return (has ? new Values(size) : undefined) as FloatArray;
    };
    return {
      variable: arrayOf(handles[i]!),
      momentum: slot('momentum'),
      accumulator: slot('accumulator'),
      average: slot('average'),
      size,
      k: type.k,
      r: RATES + 3 * group,
      w,
      i: NORMS + i,
      type,
      shape,
      overwrites,
      constraint,
      ...compose(program, variable, type.kernels),
      touched: false,
    };
  });
}
