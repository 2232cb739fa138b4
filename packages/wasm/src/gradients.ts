import { PIECE_BYTES } from '@sgd/compile';
import { type FloatArray, type ProgramVariable, SgdError } from '@sgd/core';
import type { VariableMemory } from './aliasing.ts';
import type { Arena } from './arena.ts';
import { arrayOf, nothing, type Place, placeOf, Tensor, type WasmGradient } from './tensor.ts';

// Arrays are copied into tensors of ours. To ask where a small one lies costs more than to copy it: that is asked once. A large one goes to
// memory and back if it is copied as a whole: the kernels call for it piece by piece, once it came again. Each piece needs a view, and to make
// these for one step costs more than it saves.

/** Elements of an array that is kept, to be known again: so few that it costs nobody memory. */
const SMALL = 1024;
/** Elements that the near caches do not hold. */
const LARGE = 2 ** 18;

/** Takes the place of a gradient that was used. */
const none = new Float32Array(0);

/** Large arrays that came before: their length then, and views of their pieces, those of most passes and those where sums are taken. */
const known = new WeakMap<
  FloatArray,
  { readonly length: number; readonly views: readonly [FloatArray[], FloatArray[]] }
>();

/** Is told where kernels find gradients: at an address; or, with an address of 0, under a number by which they come in pieces. */
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
  #next = 0;

  constructor(
    arena: Arena,
    variables: readonly ProgramVariable[],
    memory: VariableMemory,
    make: (length: number) => Tensor,
  ) {
    this.#arena = arena;
    this.#variables = variables;
    this.#lengths = variables.map(({ shape }) => shape.reduce((n, d) => n * d, 1));
    this.#memory = memory;
    this.#make = make;
    this.#knownApart = variables.map(() => null);
    this.#feed = (gradient, at, bytes) => this.#handOver(gradient, at, bytes);
  }

  /** Finds the arrays of the gradients. Getters of the caller's run here, and may do anything to the memory of any of them. */
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
    // all are looked at before any is copied
    for (let j = 0; j < indices.length; j++) this.#check(places[j]!, indices[j]!);
    this.#arena.feed = this.#feed;
    for (let j = 0; j < indices.length; j++) {
      const i = indices[j]!;
      const place = places[j]!;
      if (place instanceof Tensor) borrower.lend(i, place.at, 0);
      else if (place.length > LARGE && this.#comesInPieces(place)) borrower.lend(i, 0, 4 * j + 4);
      else borrower.lend(i, this.#copied(place, i), 0);
    }
  }

  /** Lets go of the gradients, which are the caller's, but for those that are kept to be known again. */
  release(indices: readonly number[]): void {
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

  #check(place: Place, i: number): void {
    const isTensor = place instanceof Tensor;
    if (place !== this.#knownApart[i]) {
      this.#memory.checkApart(place, i);
      this.#knownApart[i] = isTensor || place.length <= SMALL ? place : null;
    }
    const { length } = place;
    if (length === this.#lengths[i] && (!isTensor || (place.at !== 0 && place.arena === this.#arena))) return;
    const { path } = this.#variables[i]!;
    throw new SgdError('SGD_DETACHED', `the memory of the gradient of "${path}" was freed, detached or resized`);
  }

  #copied(array: Float32Array, i: number): number {
    const { at } = (this.#copies[i] ??= this.#make(array.length));
    if (array.length > 0) this.#arena.float32.set(array, at / 4); // else it may be detached
    return at;
  }

  /** Whether a large array came before. */
  #comesInPieces(array: Float32Array): boolean {
    const { length } = array;
    this.#piece ??= this.#make(PIECE_BYTES / 4);
    if (known.get(array)?.length === length) return true;
    known.set(array, { length, views: [[], []] });
    return false;
  }

  /** Copies a piece of a gradient for the kernels: see `feed` of `@sgd/compile`. */
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
