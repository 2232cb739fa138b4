import { type FloatArray, type ProgramVariable, SgdError, type Step } from '@sgd/core';
import type { WantApart } from './apart.ts';
import type { Arena } from './arena.ts';
import type { Records } from './records.ts';
import { arrayOf, nothing, type Place, placeOf, Tensor, type WasmGradient } from './tensor.ts';

// Arrays are copied into tensors of ours. To ask where a small one lies costs more than to copy it: that is asked once. A large one goes to
// memory and back if it is copied as a whole: the kernels call for it piece by piece, once it came again. Each piece needs a view, and to make
// these for one step costs more than it saves.

/** Elements of an array that is kept, to be known again: so few that it costs nobody memory. */
const SMALL = 1024;
/** Elements that the near caches do not hold. */
const LARGE = 2 ** 18;
/** Of a piece, at most; see `assembly/pieces.ts`. */
const PIECE = 1024;

/** Takes the place of a gradient that was used. */
const none = new Float32Array(0);

/** Large arrays that came before: their length then, and views of their pieces, those of most passes and those where squares are summed. */
const known = new WeakMap<
  FloatArray,
  { readonly length: number; readonly views: readonly [FloatArray[], FloatArray[]] }
>();

/** Takes the steps of a session. */
export interface Runner {
  /** Finds the arrays of the gradients. Getters of the caller's run here, and may do anything to the memory of any of them. */
  find(gradients: readonly WasmGradient[], indices: readonly number[]): void;
  /**
   * Takes a step, once the gradients that were found are where the kernels find them.
   *
   * @returns whether it was taken
   * @throws SgdError `SGD_DETACHED`: a gradient is gone or of another length; `SGD_GRADIENT_SHAPE`: it lies on a variable;
   * `SGD_BACKEND`: there is no room for a copy
   */
  step(step: Step, indices: readonly number[]): boolean;
}

export function runner(
  arena: Arena,
  variables: readonly ProgramVariable[],
  records: Records,
  make: (length: number) => Tensor,
  wantApart: WantApart,
): Runner {
  /** Of gradients, in the order of the step; of one that is fed, an odd number. */
  const addresses: number[] = [];
  /** By variable. */
  const copies: Tensor[] = [];
  /** By variable: the array that was found to lie apart last. */
  const apart: unknown[] = [];
  const lengths = variables.map(({ shape }) => shape.reduce((n, d) => n * d, 1));
  /** Of the gradients of the step under way. */
  const places: Place[] = [];
  let views: FloatArray[] = nothing;
  let next = 0;
  let piece: Tensor | undefined;

  /** Refuses memory of another length than the gradient had when it was checked. */
  const wantSame = (length: number, i: number): void => {
    if (length !== lengths[i]) {
      const text = `the memory of the gradient of "${variables[i]!.path}" was freed, detached or resized`;
      throw new SgdError('SGD_DETACHED', text);
    }
  };
  const addressOf = (place: Place, i: number): number => {
    if (place === apart[i]) return 0;
    wantApart(place, i, 'SGD_GRADIENT_SHAPE');
    if (place instanceof Tensor) {
      wantSame(place.at && place.arena === arena ? place.length : NaN, i);
      return place.at;
    }
    apart[i] = place.length > SMALL || place;
    return 0;
  };
  const feed = (gradient: number, at: number, bytes: number): number => {
    const array = places[gradient >> 2] as Float32Array;
    if (!at) {
      views = known.get(array)!.views[(gradient >> 1) & 1]!;
      next = 0;
    }
    arena.floats.set(
      (views[next++] ??= new Float32Array(array.buffer, array.byteOffset + at, bytes / 4)),
      piece!.at / 4,
    );
    return piece!.at;
  };
  const find: Runner['find'] = (gradients, indices) => {
    for (let j = 0; j < indices.length; j++) {
      const gradient = gradients[j]!;
      const known = apart[indices[j]!];
      places[j] = known && known === arrayOf(gradient) ? (known as Float32Array) : placeOf(gradient, arena);
    }
  };
  const run: Runner['step'] = (step, indices) => {
    arena.feed = feed;
    for (let j = 0; j < indices.length; j++) addresses[j] = addressOf(places[j]!, indices[j]!);
    for (let j = 0; j < indices.length; j++) {
      if (addresses[j]) continue;
      const i = indices[j]!;
      const data = places[j] as Float32Array;
      const { length } = data;
      wantSame(length, i);
      if (length > LARGE && !variables[i]!.overwrites) {
        piece ??= make(PIECE);
        addresses[j] = 4 * j + 1;
        if (known.get(data)?.length === length) continue;
        known.set(data, { length, views: [[], []] });
      }
      addresses[j] = (copies[i] ??= make(length)).at;
      if (length) arena.floats.set(data, addresses[j]! / 4); // else it may be detached
    }
    const taken = records.run(step, addresses, indices);
    views = nothing;
    for (let j = 0; j < indices.length; j++) places[j] = none;
    return taken;
  };
  return { find, step: run };
}
