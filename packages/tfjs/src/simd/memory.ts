import { type MemoryViews, type WasmExports, wasmInstance, type WasmMemory, wasmModule } from '@sgd/compile';
import type { Tensor } from '../tf.ts';

/** What the engine `wasm` has inside. */
export interface Heap {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    /** Of the build with threads. */
    readonly wasmMemory?: WasmMemory;
    readonly asm?: Readonly<Record<string, unknown>>;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: string): { dataId: object; shape: number[]; dtype: 'float32' };
  refCount(dataId: object): number;
}

/** The memory of the engine, in which its tensors are. To make a tensor, or to bring one here, may make it grow: call `refresh` after that. */
export class HeapMemory implements MemoryViews {
  /** Whether threads share it. */
  readonly isShared: boolean;
  readonly #heap: Heap;
  readonly #memory: WasmMemory;
  readonly #instances = new WeakMap<Uint8Array, WasmExports>();
  #buffer: ArrayBufferLike | undefined;
  words: Uint32Array = new Uint32Array(0);
  float32: Float32Array = new Float32Array(0);
  float64: Float64Array = new Float64Array(0);

  constructor(heap: Heap, memory: WasmMemory) {
    this.#heap = heap;
    this.#memory = memory;
    this.isShared = Object.prototype.toString.call(memory.buffer) === '[object SharedArrayBuffer]';
  }

  /** The exports of a module over this memory. Throws what WebAssembly throws where it can't start. */
  exportsOf(code: Uint8Array): WasmExports {
    let exports = this.#instances.get(code);
    if (exports === undefined) {
      exports = wasmInstance(wasmModule(code), this.#memory);
      this.#instances.set(code, exports);
    }
    return exports;
  }

  /** The address of a tensor, which is brought here from another engine if need be. */
  addressOf({ dataId }: Tensor): number {
    return this.#heap.dataIdMap.get(dataId).memoryOffset;
  }

  /** Takes new views if the memory has grown: it has another buffer then. */
  refresh(): void {
    const { buffer } = this.#memory;
    if (this.#buffer === buffer) return;
    this.#buffer = buffer;
    this.words = new Uint32Array(buffer);
    this.float32 = new Float32Array(buffer);
    this.float64 = new Float64Array(buffer);
  }
}

const memories = new WeakMap<Heap, HeapMemory>();

/** The memory of the engine, where it is found. */
export function memoryOf(heap: Heap): HeapMemory | undefined {
  let memory = memories.get(heap);
  if (memory === undefined) {
    const { wasm } = heap;
    const all = [wasm.wasmMemory, ...Object.values(wasm.asm ?? {})] as (WasmMemory | undefined)[];
    const found = all.find((one) => one?.buffer === wasm.HEAPU8.buffer);
    if (found === undefined) return undefined;
    memories.set(heap, (memory = new HeapMemory(heap, found)));
  }
  return memory;
}
