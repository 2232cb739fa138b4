import { SgdError } from '@sgd/core';
import { wasm, type WasmBackend } from './backend.ts';

/**
 * The backend as the conformance suite, the apps and the bench make it.
 *
 * @param variant - `"arena"` or left out: {@link wasm}, whose `variable` and `gradient` make tensors of the arena. `"arrays"`: the same
 * engine, but they make ordinary `Float32Array`s, which a step copies from and to
 * @throws SgdError `SGD_INVALID_OPTION` for another variant; what {@link wasm} throws
 */
export default async function backend(variant: string = 'arena'): Promise<WasmBackend> {
  if (variant !== 'arena' && variant !== 'arrays') {
    throw new SgdError('SGD_INVALID_OPTION', `wasm has the variants "arena" and "arrays", got "${variant}"`);
  }
  const made = await wasm();
  if (variant === 'arena') return made;
  const copy: WasmBackend['variable'] = ({ data, shape, name }) => ({ data: data.slice(), shape: [...shape], name });
  return { ...made, variable: copy, gradient: copy };
}
