import { type ProgramVariable, SgdError, type SgdErrorCode, Spans } from '@sgd/core';
import { type Place, Tensor } from './tensor.ts';

/** Refuses what is, or is for, variable `i` and lies on a variable, in part at least. */
export type WantApart = (place: Place, i: number, code: SgdErrorCode) => void;

/**
 * A check that gradients lie apart from all variables.
 *
 * @throws SgdError `SGD_INVALID_OPTION`: two of the variables don't
 */
export function apartFrom(places: readonly Place[], variables: readonly ProgramVariable[]): WantApart {
  const tensors = new Set<Place>();
  const spans = new Spans();
  const wantApart = (apart: boolean, i: number, code: SgdErrorCode): void => {
    if (!apart) throw new SgdError(code, `"${variables[i]!.path}" shares memory with a variable`);
  };
  places.forEach((place, i) => {
    const isTensor = place instanceof Tensor;
    wantApart(isTensor ? !tensors.has(place) : spans.add(place), i, 'SGD_INVALID_OPTION');
    if (isTensor) tensors.add(place);
  });
  return (place, i, code) => wantApart(!(place instanceof Tensor ? tensors.has(place) : spans.meets(place)), i, code);
}
