import { type MemoryViews, type WasmExports, type WasmImports, wasmInstance } from '@sgd/compile';
import type { Copy } from './copies.ts';
import { attempt, type Memory } from './engine.ts';

const PAGE = 65536;

/** Arrays begin at a multiple of a line of the cache. */
const LINE = 64;

/** The arena of each buffer, detached ones included. */
export const arenas: WeakMap<ArrayBufferLike, Arena> = new WeakMap();

/**
 * Bytes that an array takes. Processors mistake addresses with the same last 12 bits for each other: arrays that are gone through at
 * the same time are not to begin at the same place of a page.
 */
export const bytesOf = (elements: number): number =>
  (Math.ceil(elements / 16) || 1) * LINE + (elements < 1024 ? 0 : 3 * LINE);

/**
 * Memory that is handed out and taken back; the free parts are known, and neighbours among them are one. The first line is never handed out,
 * as 0 is no address, nor is the last: the kernels add to addresses, and at the end of 4 GiB they would wrap around to 0.
 */
export class Arena implements MemoryViews {
  /** All of the memory; these views are made anew when it grows. */
  declare float32: Float32Array;
  declare float64: Float64Array;
  declare words: Uint32Array;
  declare buffer: ArrayBuffer;
  /** Hands over gradients of the session whose kernels run. */
  declare feed: WasmImports['feed'];
  /** What stands for arrays outside, by their buffers. */
  readonly copies: WeakMap<ArrayBufferLike, readonly Copy[]> = new WeakMap();
  readonly ref: WeakRef<Arena> = new WeakRef(this);
  readonly #memory: Memory;
  readonly #instances = new WeakMap<object, WasmExports>();
  /** Start and end of each free part, in order. */
  readonly #free: number[];

  constructor(memory: Memory) {
    this.#memory = memory;
    this.#free = [LINE, memory.buffer.byteLength - LINE];
    this.#takeViews();
  }

  /** What a module exports, over this memory. */
  instantiate(module: object): WasmExports {
    let exports = this.#instances.get(module);
    if (exports === undefined) {
      exports = wasmInstance(module, this.#memory, (gradient, at, bytes) => this.feed(gradient, at, bytes));
      this.#instances.set(module, exports);
    }
    return exports;
  }

  #takeViews(): void {
    const { buffer } = this.#memory;
    this.buffer = buffer;
    this.float32 = new Float32Array(buffer);
    this.float64 = new Float64Array(buffer);
    this.words = new Uint32Array(buffer);
    arenas.set(buffer, this);
  }

  /**
   * The address of `bytes` bytes, a multiple of 64, filled with zeros.
   *
   * @throws SgdError `SGD_BACKEND`: the memory can't grow that far; nothing was changed
   */
  take(bytes: number): number {
    const free = this.#free;
    let i = 0;
    while (!(free[i + 1]! - free[i]! >= bytes)) {
      if (i < free.length) i += 2;
      else {
        this.#grow(bytes);
        i = 0;
      }
    }
    const at = free[i]!;
    free[i]! += bytes;
    if (free[i] === free[i + 1]) free.splice(i, 2);
    this.float32.fill(0, at / 4, (at + bytes) / 4);
    return at;
  }

  /** Takes memory back. */
  give(at: number, bytes: number): void {
    const free = this.#free;
    let i = 0;
    while (i < free.length && free[i]! < at) i += 2;
    free.splice(i, 0, at, at + bytes);
    // with the part after it, then with the one before
    if (free[i + 1] === free[i + 2]) free.splice(i + 1, 2);
    if (i > 0 && free[i - 1] === free[i]) free.splice(i - 1, 2);
  }

  #grow(bytes: number): void {
    const end = this.float32.byteLength - LINE;
    const from = this.#free.at(-1) === end ? this.#free.at(-2)! : end;
    const missing = bytes - (end - from);
    attempt('SGD_BACKEND', `the arena of ${this.float32.byteLength} bytes can't grow by ${missing}`, () =>
      this.#memory.grow(Math.ceil(missing / PAGE)),
    );
    this.#takeViews();
    this.give(end, this.float32.byteLength - LINE - end);
  }
}
