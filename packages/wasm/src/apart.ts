import { type ProgramVariable, SgdError, type SgdErrorCode } from '@sgd/core';
import { nothing, type Place, Tensor } from './tensor.ts';

/** Refuses what is, or is for, variable `i` and lies on a variable, in part at least. */
export type WantApart = (place: Place, i: number, code: SgdErrorCode) => void;

/**
 * A check that gradients lie apart from all variables.
 *
 * @throws SgdError `SGD_INVALID_OPTION`: two of the variables don't
 */
export function apartFrom(places: readonly Place[], variables: readonly ProgramVariable[]): WantApart {
  const tensors = new Set<Place>();
  /** By their buffer. */
  const arrays = new Map<ArrayBufferLike, readonly Float32Array[]>();
  const wantApart: WantApart = (place, i, code) => {
    let apart = true;
    if (place instanceof Tensor) apart = !tensors.has(place);
    else {
      for (const { byteOffset: at, byteLength } of arrays.get(place.buffer) ?? nothing) {
        if (Math.max(at, place.byteOffset) < Math.min(at + byteLength, place.byteOffset + place.byteLength))
          apart = false;
      }
    }
    if (!apart) throw new SgdError(code, `"${variables[i]!.path}" shares memory with a variable`);
  };
  places.forEach((place, i) => {
    wantApart(place, i, 'SGD_INVALID_OPTION');
    if (place instanceof Tensor) tensors.add(place);
    else arrays.set(place.buffer, [...(arrays.get(place.buffer) ?? nothing), place]);
  });
  return wantApart;
}
