import { sizeOf } from '@sgd/core/engine';
import { PIECE_BYTES } from '@sgd/compile';
import { type FloatArray, type ProgramVariable, SgdError } from '@sgd/core';
import type { VariableMemory } from './aliasing.ts';
import type { Arena } from './arena.ts';
import { arrayOf, nothing, type Place, placeOf, Tensor, type WasmGradient } from './tensor.ts';

// Arrays are copied into tensors of ours. Finding out where a small array lies takes longer than copying it, so the answer is cached. Copying a
// large array as a whole would go through main memory twice, so kernels stream it in chunks, from the second step on: each chunk needs a view,
// and creating the views for a single step costs more than it saves.

/** Arrays of up to this many elements are cached by identity: small enough to keep alive. */
const SMALL = 1024;
/** Arrays of more elements than this do not fit the CPU's caches, and are streamed. */
const LARGE = 2 ** 18;

/** Takes the place of a gradient that was used. */
const none = new Float32Array(0);

/** Large arrays seen before: their length then, and views of their chunks, for ordinary passes and for passes that sum. */
const known = new WeakMap<
  FloatArray,
  { readonly length: number; readonly views: readonly [FloatArray[], FloatArray[]] }
>();

/** Receives where the kernels find a gradient: its address or, with an address of 0, the number by which it is streamed. */
interface Borrower {
  lend(index: number, address: number, fed: number): void;
}

/** Brings the gradients of a step to where kernels find them. */
export class Gradients {
  readonly #arena: Arena;
  readonly #variables: readonly ProgramVariable[];
  readonly #lengths: readonly number[];
  readonly #memory: VariableMemory;
  readonly #make: (length: number) => Tensor;
  /** By variable. */
  readonly #copies: Tensor[] = [];
  /** By variable: the tensor or small array that was found to lie apart from all variables last. */
  readonly #knownApart: (Place | null)[];
  /** Of the gradients of the step under way. The list is kept, so that a step allocates nothing. */
  readonly #places: Place[] = [];
  readonly #feed: Arena['feed'];
  #piece: Tensor | undefined;
  #views: FloatArray[] = nothing;
  /** Whether a gradient of the step under way is not to be kept. */
  #mustRelease = false;
  #next = 0;

  constructor(
    arena: Arena,
    variables: readonly ProgramVariable[],
    memory: VariableMemory,
    make: (length: number) => Tensor,
  ) {
    this.#arena = arena;
    this.#variables = variables;
    this.#lengths = variables.map(({ shape }) => sizeOf(shape));
    this.#memory = memory;
    this.#make = make;
    this.#knownApart = variables.map(() => null);
    this.#feed = (gradient, at, bytes) => this.#handOver(gradient, at, bytes);
  }

  /** Reads the arrays of the gradients. This may run getters of the caller's, which may detach or resize any of them. */
  find(gradients: readonly WasmGradient[], indices: readonly number[]): void {
    const places = this.#places;
    for (let j = 0; j < indices.length; j++) {
      const place = this.#find(gradients[j]!, indices[j]!);
      if (places[j] !== place) places[j] = place;
    }
  }

  /**
   * Lends the gradients that were found to the kernels.
   *
   * @throws SgdError `SGD_DETACHED`: a gradient is gone or of another length; `SGD_GRADIENT_SHAPE`: it lies on a variable;
   * `SGD_BACKEND`: there is no room for a copy
   */
  lend(indices: readonly number[], borrower: Borrower): void {
    const places = this.#places;
    this.#arena.feed = this.#feed;
    for (let j = 0; j < indices.length; j++) {
      const i = indices[j]!;
      const place = places[j]!;
      if (place !== this.#knownApart[i]) this.#examine(place, i);
      if (place instanceof Tensor) {
        if (place.at === 0 || place.arena !== this.#arena || place.length !== this.#lengths[i]) this.#refuse(i);
        borrower.lend(i, place.at, 0);
      } else if (place.length !== this.#lengths[i]) this.#refuse(i);
      else if (place.length > LARGE && this.#isStreamed(place)) borrower.lend(i, 0, 4 * j + 4);
      else borrower.lend(i, this.#copied(place, i), 0);
    }
  }

  /** Drops references to the gradients, which are the caller's, except those that are cached. */
  release(indices: readonly number[]): void {
    if (!this.#mustRelease) return;
    this.#mustRelease = false;
    this.#views = nothing;
    for (let j = 0; j < indices.length; j++) {
      if (this.#places[j] !== this.#knownApart[indices[j]!]) this.#places[j] = none;
    }
  }

  #find(gradient: WasmGradient, i: number): Place {
    if (gradient instanceof Tensor) return gradient;
    const apart = this.#knownApart[i]!;
    // to ask an array for its buffer takes as long as to copy a small one
    return apart !== null && apart === arrayOf(gradient) ? apart : placeOf(gradient, this.#arena);
  }

  /** Looks at a gradient that was not there in the last step. */
  #examine(place: Place, i: number): void {
    this.#memory.checkApart(place, i);
    const isKept = place instanceof Tensor || place.length <= SMALL;
    this.#knownApart[i] = isKept ? place : null;
    if (!isKept) this.#mustRelease = true;
  }

  #refuse(i: number): never {
    const { path } = this.#variables[i]!;
    throw new SgdError('SGD_DETACHED', `the memory of the gradient of "${path}" was freed, detached or resized`);
  }

  #copied(array: Float32Array, i: number): number {
    const { at } = (this.#copies[i] ??= this.#make(array.length));
    if (array.length > 0) this.#arena.float32.set(array, at / 4); // else it may be detached
    return at;
  }

  /** Whether a large array was seen before, so that it pays to stream it. */
  #isStreamed(array: Float32Array): boolean {
    const { length } = array;
    this.#piece ??= this.#make(PIECE_BYTES / 4);
    if (known.get(array)?.length === length) return true;
    known.set(array, { length, views: [[], []] });
    return false;
  }

  /** Copies a chunk of a streamed gradient: see `feed` of `@sgd/compile`. */
  #handOver(gradient: number, at: number, bytes: number): number {
    const array = this.#places[(gradient >> 2) - 1] as Float32Array;
    if (at === 0) {
      this.#views = known.get(array)!.views[(gradient >> 1) & 1]!;
      this.#next = 0;
    }
    const view = (this.#views[this.#next++] ??= new Float32Array(array.buffer, array.byteOffset + at, bytes / 4));
    const piece = this.#piece!.at;
    this.#arena.float32.set(view, piece / 4);
    return piece;
  }
}
