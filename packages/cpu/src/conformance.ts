import { type Backend, type HostTensor, SgdError } from '@sgd/core';
import { cpu } from './backend.ts';
import type { CpuGradient, CpuVariable } from './tensor.ts';

const widened = ({ data, shape, name }: HostTensor): CpuVariable => ({
  data: new Float64Array(data),
  shape: [...shape],
  name,
});

/**
 * The backend as the conformance suite, the apps and the bench make it.
 *
 * @param variant - `"float32"` or left out: {@link cpu}, whose `variable` and `gradient` keep the type of the values. `"jitless"`: the same
 * without making functions from text. `"float64"`: the same
 * engine, but they make `Float64Array`s of all values. It is there to be compared with: it does not round as float32 does, which its
 * tolerance says, and where the suite wants float32 variables it has none.
 * @throws SgdError `SGD_INVALID_OPTION` for another variant
 */
export default function backend(variant: string = 'float32'): Backend<CpuVariable, CpuGradient, 'sync'> {
  if (variant === 'float32') return cpu();
  if (variant === 'jitless') return cpu({ jitless: true });
  if (variant === 'float64')
    return { ...cpu(), tolerance: { rtol: 1e-5, atol: 1e-6 }, variable: widened, gradient: widened };
  throw new SgdError('SGD_INVALID_OPTION', `cpu has the variants "float32", "jitless" and "float64", got "${variant}"`);
}
