import { type FloatArray, SgdError, shownTensor } from '@sgd/core';
import { type Arena, arenas, bytesOf } from './arena.ts';

/** A typed array with a shape. */
export interface Shaped {
  /** In row-major order, as many elements as the product of `shape`. */
  readonly data: FloatArray;
  readonly shape: readonly number[];
  readonly name?: string | undefined;
}

/** A tensor in the arena: what `zeros`, `from`, `variable` and `gradient` of the backend make. */
export interface WasmTensor extends Shaped {
  /**
   * The values: a view of the arena. Views are detached when the arena grows, and this gives another then: ask for it again rather than
   * keep it, or `reserve` the memory.
   *
   * @throws SgdError `SGD_DETACHED`: the tensor was freed
   */
  readonly data: Float32Array;
}

/**
 * A tensor of the backend's arena, updated where it is, or a `Float32Array`, of which the arena takes a copy: bare (its shape is
 * `[length]`) or with a shape and a name.
 */
export type WasmVariable = Shaped | FloatArray;

/** Likewise: bare, with as many elements as the variable, or with exactly the variable's shape. */
export type WasmGradient = Shaped | FloatArray;

/** An empty list; never to be changed. */
export const nothing: never[] = [];

/** By view. */
const tensors = new WeakMap<FloatArray, Tensor>();

export class Tensor implements WasmTensor {
  // declared: the constructor sets them, and nothing else need
  declare readonly arena: Arena;
  declare readonly shape: readonly number[];
  declare readonly name: string | undefined;
  declare readonly length: number;
  /** Its address; 0 once it was freed. */
  declare at: number;
  #view: Float32Array | undefined;
  /** Of which memory the view is: to ask a view for its buffer takes longer. */
  #viewed: Float32Array | undefined;

  constructor(arena: Arena, shape: readonly number[], length: number, name?: string) {
    this.arena = arena;
    this.shape = shape;
    this.name = name;
    this.length = length;
    this.at = arena.take(bytesOf(length));
  }

  get data(): Float32Array {
    const { float32, buffer } = this.live().arena;
    if (this.#viewed !== float32) {
      this.#view = new Float32Array(buffer, this.at, this.length);
      this.#viewed = float32;
      tensors.set(this.#view, this);
    }
    return this.#view!;
  }

  live(): this {
    if (this.at === 0) throw new SgdError('SGD_DETACHED', `a tensor of shape [${this.shape.join()}] that was freed`);
    return this;
  }

  free(): void {
    this.live().arena.give(this.at, bytesOf(this.length));
    this.at = 0;
  }
}

/** The array of a variable or gradient; of anything else, anything. */
export const arrayOf = (value: Shaped | FloatArray): FloatArray => (ArrayBuffer.isView(value) ? value : value?.data);

/** The shape of a variable or gradient; that of a bare array is `bare`. */
export const shapeOf = (value: Shaped | FloatArray, bare: readonly number[]): readonly number[] =>
  ArrayBuffer.isView(value) ? bare : value?.shape;

/** Whether the shape is as expected and says how many elements there are. */
export function fits(length: number, shape: readonly number[] | undefined, expected: readonly number[]): boolean {
  let size = 1;
  for (let i = 0; i < expected.length; i++) size *= expected[i]! >>> 0 === shape?.[i] ? expected[i]! : NaN;
  return shape?.length === expected.length && length === size;
}

/** A value in a few words, for messages; `wanted` is what a plain array should have been. */
export function came(value: Shaped | FloatArray, wanted = 'Float32Array'): string {
  const data = arrayOf(value) ?? value;
  if (Array.isArray(data)) return `a plain Array of length ${data.length}: make it a ${wanted}`;
  return shownTensor(data, shapeOf(value, [data?.length]));
}

/**
 * The tensor that a value is, or is the view of; `null` for an array outside of all arenas; else what it is.
 *
 * @throws SgdError `SGD_DETACHED`: the tensor was freed, or the view is of a time before the arena grew
 */
export function tensorOf(value: Shaped | FloatArray, arena: Arena): Tensor | string | null {
  let tensor: Tensor | undefined;
  if (value instanceof Tensor) tensor = value;
  else {
    const data = arrayOf(value);
    const owner = ArrayBuffer.isView(data) && arenas.get(data.buffer);
    if (!owner) return null;
    tensor = tensors.get(data);
    if (data.buffer !== owner.buffer) throw new SgdError('SGD_DETACHED', 'a view of an arena that grew since');
    if (!tensor) return 'a part of an arena, which is none of its tensors';
  }
  return tensor.arena === arena ? tensor.live() : 'a tensor of another arena';
}

/** Where values are: a tensor, or an array outside of all arenas. */
export type Place = Tensor | Float32Array;

/** Where a variable or gradient is that was not refused, and so is no tensor or view but of this arena. */
export const placeOf = (value: WasmVariable, { buffer }: Arena): Place => {
  if (value instanceof Tensor) return value;
  const data = arrayOf(value) as Float32Array;
  return data.buffer === buffer ? tensors.get(data)! : data;
};
