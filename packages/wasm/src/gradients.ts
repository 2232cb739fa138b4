import type { FloatArray, ProgramVariable, Step } from '@sgd/core';
import type { WantApart } from './apart.ts';
import type { Arena } from './arena.ts';
import type { Records } from './records.ts';
import { arrayOf, nothing, placeOf, Tensor, type WasmGradient } from './tensor.ts';

// Arrays are copied into tensors of ours. To ask where a small one lies costs more than to copy it: that is asked once. A large one goes to
// memory and back if it is copied as a whole: the kernels call for it piece by piece, once it came again. Each piece needs a view, and to make
// these for one step costs more than it saves.

/** Elements of an array that is kept, to be known again: so few that it costs nobody memory. */
const SMALL = 1024;
/** Elements that the near caches do not hold. */
const LARGE = 2 ** 18;
/** Of a piece, at most; see `assembly/pieces.ts`. */
const PIECE = 1024;

/** Large arrays that came before: their length then, and views of their pieces, those of most passes and those where squares are summed. */
const known = new WeakMap<
  FloatArray,
  { readonly length: number; readonly views: readonly [FloatArray[], FloatArray[]] }
>();

/**
 * Takes a step, once its gradients are where the kernels find them.
 *
 * @returns whether it was taken
 * @throws SgdError `SGD_GRADIENT_SHAPE`: a gradient lies on a variable; `SGD_BACKEND`: there is no room for a copy
 */
export type Run = (step: Step, gradients: readonly WasmGradient[], indices: readonly number[]) => boolean;

export function runner(
  arena: Arena,
  variables: readonly ProgramVariable[],
  records: Records,
  make: (length: number) => Tensor,
  wantApart: WantApart,
): Run {
  /** Of gradients, in the order of the step; of one that is fed, an odd number. */
  const addresses: number[] = [];
  /** By variable. */
  const copies: Tensor[] = [];
  /** By variable: the array that was found to lie apart last. */
  const apart: unknown[] = [];
  /** Of the step under way; they are not kept. */
  let current: readonly WasmGradient[] = nothing;
  let views: FloatArray[] = nothing;
  let next = 0;
  let piece: Tensor | undefined;

  const addressOf = (gradient: WasmGradient, i: number): number => {
    if (!(gradient instanceof Tensor) && arrayOf(gradient) === apart[i]) return 0;
    const place = placeOf(gradient, arena);
    wantApart(place, i, 'SGD_GRADIENT_SHAPE');
    if (place instanceof Tensor) return place.at;
    apart[i] = place.length > SMALL || place;
    return 0;
  };
  const feed = (gradient: number, at: number, bytes: number): number => {
    const array = arrayOf(current[gradient >> 2]!);
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
  return (step, gradients, indices) => {
    current = gradients;
    arena.feed = feed;
    // all tensors first: to make room may detach views
    for (let j = 0; j < indices.length; j++) addresses[j] = addressOf(gradients[j]!, indices[j]!);
    for (let j = 0; j < indices.length; j++) {
      if (addresses[j]) continue;
      const i = indices[j]!;
      const data = arrayOf(gradients[j]!);
      const { length } = data;
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
    current = views = nothing;
    return taken;
  };
}
