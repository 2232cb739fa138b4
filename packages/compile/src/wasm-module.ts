import { list, pushAll, sized, unsigned } from './wasm-bytes.ts';
import { type FunctionWriter, type Signature, typeOf, VALUE_TYPES } from './wasm-function.ts';
import { OP } from './wasm-opcodes.ts';

/** What a module begins with: its name, and version 1. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

const text = (name: string): number[] => list(Array.from(name, (character) => [character.charCodeAt(0)]));

/** A module that imports a memory and functions, and has a table, and one variable of type i32. */
export class ModuleWriter {
  readonly #types: string[] = [];
  readonly #typeBytes: number[][] = [];
  readonly #imports: number[][] = [];
  readonly #functions: FunctionWriter[] = [];
  readonly #known = new Map<string, number>();
  readonly #slots: number[] = [];
  readonly #exports: number[][] = [];
  #imported = 0;

  /** @param isShared - whether threads share the memory: the import of such a memory is another */
  importMemory(isShared: boolean): void {
    // all sizes up to 4 GiB
    const limits = isShared ? [3, 0, ...unsigned(65536)] : [0, 0];
    this.#imports.push([...text('env'), ...text('memory'), 2, ...limits]);
  }

  /** Before any function is added. Returns its number. */
  importFunction(name: string, signature: Signature): number {
    this.#imports.push([...text('env'), ...text(name), 0, ...unsigned(this.type(signature))]);
    return this.#imported++;
  }

  /** The number of a signature. */
  type(signature: Signature): number {
    const bytes = typeOf(signature);
    const key = bytes.join();
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    this.#typeBytes.push(bytes);
    return this.#types.push(key) - 1;
  }

  /** Adds a function, unless there is one with the same code; returns its number. */
  add(writer: FunctionWriter): number {
    const { key } = writer;
    let index = this.#known.get(key);
    if (index === undefined) {
      index = this.#imported + this.#functions.push(writer) - 1;
      this.#known.set(key, index);
    }
    return index;
  }

  /** Where a function stands in the table; never 0. */
  slotOf(index: number): number {
    const known = this.#slots.indexOf(index);
    return 1 + (known >= 0 ? known : this.#slots.push(index) - 1);
  }

  export(name: string, index: number): void {
    this.#exports.push([...text(name), 0, ...unsigned(index)]);
  }

  bytes(): Uint8Array {
    const signatures = this.#functions.map(({ signature }) => unsigned(this.type(signature)));
    const tableSize = this.#slots.length + 1;
    const sections: readonly (readonly [id: number, content: readonly number[]])[] = [
      [1, list(this.#typeBytes)],
      [2, list(this.#imports)],
      [3, list(signatures)],
      [4, list([[0x70, 1, ...unsigned(tableSize), ...unsigned(tableSize)]])],
      [6, list([[VALUE_TYPES.i32, 1, OP.i32Const, 0, OP.end]])],
      [7, list(this.#exports)],
      [9, list([[0, OP.i32Const, 1, OP.end, ...list(this.#slots.map(unsigned))]])],
      [10, list(this.#functions.map((writer, i) => writer.bytes(this.#imported + i)))],
    ];
    const bytes = [...MAGIC];
    for (const [id, content] of sections) {
      bytes.push(id);
      pushAll(bytes, sized(content));
    }
    return Uint8Array.from(bytes);
  }
}
