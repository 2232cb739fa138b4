import { type FiniteCheck, RECORD, type WasmExports, type WasmKernel, WasmProgram } from '@sgd/compile';
import type { DType, FloatArray } from '@sgd/core';
import type { Kernel } from '@sgd/core/engine';
import { type Outcome, SCALARS, TENSORS } from './random-kernels.ts';

/** The order of tensors in records. */
export const PLACED: readonly string[] = ['gradient', ...TENSORS.filter((name) => name !== 'gradient')];

/** How a kernel is run. */
export interface Placing {
  /** Where tensors begin, in bytes from a multiple of 64. */
  readonly shift?: number;
  /** Whether the gradient comes in pieces. */
  readonly isFed?: boolean;
  /** Where everything is in memory. */
  readonly start?: number;
  readonly check?: FiniteCheck;
  /** Default `true`. */
  readonly hasWideFactor?: boolean;
}

const SPACE = 1 << 18;
let shared: WebAssembly.Memory | undefined;

/** The exports of a program over a memory. */
function instantiate(
  program: WasmProgram,
  memory: WebAssembly.Memory,
  feed: (...args: number[]) => number = () => 0,
): WasmExports {
  const module = new WebAssembly.Module(program.bytes() as BufferSource);
  const imports = { env: { memory, feed, pow: Math.pow } };
  return new WebAssembly.Instance(module, imports).exports as unknown as WasmExports;
}

/** A kernel over tensors that it has copied to memory. */
export class WasmRunner {
  readonly #memory: WebAssembly.Memory;
  readonly #kernel: WasmKernel;
  readonly #exports: WasmExports;
  readonly #traced: Kernel;
  readonly #placing: Placing;
  #gradient: FloatArray = new Float32Array(0);
  #dtype: DType;

  constructor(kernel: Kernel, dtype: DType, placing: Placing = {}, memory?: WebAssembly.Memory) {
    shared ??= new WebAssembly.Memory({ initial: SPACE / 65536 });
    this.#memory = memory ?? shared;
    this.#placing = placing;
    this.#traced = kernel;
    this.#dtype = dtype;
    const program = new WasmProgram({ scalars: SCALARS, hasWideFactor: placing.hasWideFactor ?? true });
    this.#kernel = program.add(kernel, dtype, PLACED, placing.check);
    this.#exports = instantiate(program, this.#memory, (_gradient, at, bytes) => this.#feed(at!, bytes!));
  }

  #array(address: number, length: number): FloatArray {
    const { buffer } = this.#memory;
    return this.#dtype === 'float32'
      ? new Float32Array(buffer, address, length)
      : new Float64Array(buffer, address, length);
  }

  #feed(at: number, bytes: number): number {
    const size = this.#gradient.BYTES_PER_ELEMENT;
    const piece = (this.#placing.start ?? 0) + 128;
    this.#array(piece, bytes / size).set(this.#gradient.subarray(at / size, (at + bytes) / size));
    return piece;
  }

  /** Runs it once. `null`: something was not finite. */
  run(tensors: readonly FloatArray[], scalars: readonly number[]): Outcome | null {
    const { start = 0, shift = 0, isFed = false } = this.#placing;
    const { reduce, write } = this.#kernel;
    const { length, BYTES_PER_ELEMENT: size } = tensors[0]!;
    const { buffer } = this.#memory;
    const views = { float32: new Float32Array(buffer), float64: new Float64Array(buffer) };
    const words = new Uint32Array(buffer);
    // first room for a piece, then what kernels read of it
    const [list, task, record, numbers, observed, output] = [0, 64, 4352, 8448, 16, 32].map((at) => start + at) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    let next = start + 12544;
    words.fill(0, start / 4, next / 4);
    const scalarsGiven = Float64Array.from(scalars);
    const shared = this.#kernel.numbersOf(scalarsGiven);
    shared.place(views, numbers);
    shared.begin(views);
    words[list / 4] = task;
    words.set([reduce, write, numbers, record], task / 4);
    words.set([length * size, isFed ? 4 : 0, observed, output], record / 4 + RECORD.bytes);
    this.#gradient = tensors[TENSORS.indexOf('gradient')]!;
    const places = new Map<string, FloatArray>();
    PLACED.forEach((name, i) => {
      const place = this.#array(next + shift, length);
      place.set(tensors[TENSORS.indexOf(name)]!);
      places.set(name, place);
      words[record / 4 + RECORD.tensors + i] = name === 'gradient' && isFed ? 0 : next + shift;
      next += Math.ceil((length * size + shift) / 64) * 64;
    });
    if (this.#exports.reduce(list, 1) === 0) return null;
    const results = [...this.#array(output, this.#traced.results.length)];
    this.#exports.write(list, 1);
    return {
      tensors: TENSORS.map((name) => places.get(name)!.slice()),
      results,
      observed: views.float64[observed / 8]!,
    };
  }
}
