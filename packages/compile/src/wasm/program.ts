import type { DType } from '@sgd/core';
import { type Kernel, NumberProgram } from '@sgd/core/engine';
import { addFeedPiece, addInPieces, addLookAt, addReduce, addWrite } from './driver.ts';
import { addReducing, addWriting, type FiniteCheck, type KernelHelpers } from './kernel.ts';
import { NumberLayout, ownNumbersAt } from './layout.ts';
import { ModuleWriter } from './module.ts';
import { StepNumbers } from './numbers.ts';
import { FLOAT_TYPES } from './opcodes.ts';

/** What a module must be given, under `env`. */
export interface WasmImports {
  readonly memory: object;
  /**
   * Copies a chunk of a streamed gradient to memory.
   *
   * @param gradient - the number in its record, plus 2 for passes that sum, which use chunks of other sizes
   * @param at - offset of the chunk in the gradient, in bytes
   * @param bytes - size of the chunk
   * @returns the address of the copy
   */
  feed(gradient: number, at: number, bytes: number): number;
  /** `Math.pow` */
  pow(base: number, exponent: number): number;
}

/** What a module exports. Both take the address of a list of addresses of tasks, and the count. */
export interface WasmExports {
  /** Runs passes that only read, in order, until something is not finite. Returns whether all is: 1 or 0. */
  reduce(list: number, count: number): number;
  /** Runs the passes that write. */
  write(list: number, count: number): void;
}

/** How {@link WasmProgram} compiles. */
export interface WasmProgramOptions {
  /** The names of the numbers that a step has, in order. */
  readonly scalars: readonly string[];
  /** Whether scalars keep float64 by which kernels of float32 multiply. Default `false`: such a scalar is a float32. */
  readonly hasWideFactor?: boolean;
  /** Whether threads share the memory. Default `false`. */
  readonly isShared?: boolean;
}

/** A kernel of a module. */
export interface WasmKernel {
  /** Its number in the module's table, for the task; 0: it only writes. */
  readonly reduce: number;
  /** Likewise; 0: it only reads. */
  readonly write: number;
  /** The tensors whose values it reads. */
  readonly reads: ReadonlySet<string>;
  /** The tensors that it writes. */
  readonly writes: ReadonlySet<string>;
  /** Bytes of a record of a variable, with room for what follows from sums. */
  readonly recordBytes: number;
  /** Its numbers for variables of a group, which has these numbers of a step. */
  numbersOf(scalars: Float64Array): StepNumbers;
}

/** Kernels that are compiled to one WebAssembly module with SIMD. Kernels that differ in constants alone share their code. */
export class WasmProgram {
  readonly #module = new ModuleWriter();
  readonly #options: WasmProgramOptions;
  readonly #pow: number;
  readonly #helpers: KernelHelpers;

  /** @param options - see {@link WasmProgramOptions} */
  constructor(options: WasmProgramOptions) {
    const module = this.#module;
    this.#options = options;
    module.importMemory(options.isShared === true);
    const feed = module.importFunction('feed', { params: ['i32', 'i32', 'i32'], results: ['i32'] });
    this.#pow = module.importFunction('pow', { params: ['f64', 'f64'], results: ['f64'] });
    const feedPiece = addFeedPiece(module, feed);
    const inPieces = addInPieces(module, feedPiece);
    addWrite(module, inPieces);
    addReduce(module);
    this.#helpers = {
      lookAt: { 4: addLookAt(module, inPieces, 4), 8: addLookAt(module, inPieces, 8) },
      feedPiece,
    };
  }

  /**
   * Adds a kernel.
   *
   * @param dtype - of its tensors
   * @param tensors - the names of the tensors of a record in the order of the record, those of the kernel among them; the first is the gradient
   * @param check - what its reduction checks for non-finite values
   */
  add(kernel: Kernel, dtype: DType, tensors: readonly string[], check: FiniteCheck = 'none'): WasmKernel {
    const { scalars, hasWideFactor = false } = this.#options;
    const program = new NumberProgram(kernel, dtype, scalars);
    const layout = new NumberLayout(kernel, dtype, hasWideFactor);
    const placed = { kernel, layout, type: FLOAT_TYPES[dtype], tensors, pow: this.#pow };
    return {
      reduce: addReducing(this.#module, placed, check, this.#helpers),
      write: addWriting(this.#module, placed),
      reads: new Set(
        kernel.passes.flatMap(({ wide }) => wide.flatMap(({ kind, name }) => (kind === 'tensor' ? name : []))),
      ),
      writes: new Set(kernel.passes.flatMap(({ stores }) => stores.map((store) => kernel.tensors[store.tensor]!))),
      recordBytes: ownNumbersAt(tensors.length) + layout.ownBytes,
      numbersOf: (group) => new StepNumbers({ kernel, dtype, program, layout, names: scalars }, group),
    };
  }

  /** The module, with all kernels that were added. */
  bytes(): Uint8Array {
    return this.#module.bytes();
  }
}
