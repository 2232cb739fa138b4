import { OP } from './wasm-opcodes.ts';

/** A type of parameters, results and locals. */
export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

/** What a function takes and gives. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const VALUE_TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** What a module begins with: its name, and version 1. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A block, loop or branch that leaves nothing on the stack. */
const NO_RESULT = 0x40;

/** An unsigned integer of 32 bits in LEB128: seven bits a byte, the lowest first. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value >>> 0; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

/** A signed integer of 32 bits in LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 127];
    bytes.push((rest & 127) | 128);
  }
}

/** Always five bytes, so that it can be filled in later. */
const padded = (value: number): number[] =>
  [0, 7, 14, 21, 28].map((bit) => ((value >>> bit) & 127) | (bit < 28 ? 128 : 0));

const list = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const text = (name: string): number[] => list(Array.from(name, (character) => [character.charCodeAt(0)]));
const types = (all: readonly ValueType[]): number[] => list(all.map((type) => [VALUE_TYPES[type]]));
const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
const typeOf = ({ params, results }: Signature): number[] => [0x60, ...types(params), ...types(results)];

/** Writes the instructions of a function. Its parameters are the first locals. */
export class FunctionWriter {
  readonly signature: Signature;
  readonly #locals: ValueType[] = [];
  readonly #code: number[] = [];
  /** Where in the code the function's own number is still to be filled in. */
  readonly #selfCalls: number[] = [];

  constructor(signature: Signature) {
    this.signature = signature;
  }

  /** A new local. */
  local(type: ValueType): number {
    return this.signature.params.length + this.#locals.push(type) - 1;
  }

  /** An instruction, with its immediates in bytes. */
  op(...bytes: readonly number[]): this {
    for (const byte of bytes) this.#code.push(byte);
    return this;
  }

  simd(opcode: number, ...immediates: readonly number[]): this {
    return this.op(OP.simd, ...unsigned(opcode), ...immediates);
  }

  get(local: number): this {
    return this.op(OP.getLocal, ...unsigned(local));
  }

  set(local: number): this {
    return this.op(OP.setLocal, ...unsigned(local));
  }

  tee(local: number): this {
    return this.op(OP.teeLocal, ...unsigned(local));
  }

  i32(value: number): this {
    return this.op(OP.i32Const, ...signed(value));
  }

  /** A float constant. */
  float(opcode: number, value: number, size: 4 | 8): this {
    const view = new DataView(new ArrayBuffer(size));
    if (size === 4) view.setFloat32(0, value, true);
    else view.setFloat64(0, value, true);
    return this.op(opcode, ...new Uint8Array(view.buffer));
  }

  /** A load or store, `offset` bytes from the address on the stack. All are taken to be aligned to 4 bytes at least. */
  memory(opcode: number, offset: number): this {
    return this.op(opcode, 2, ...unsigned(offset));
  }

  simdMemory(opcode: number, offset: number): this {
    return this.simd(opcode, 2, ...unsigned(offset));
  }

  call(index: number): this {
    return this.op(OP.call, ...unsigned(index));
  }

  callSelf(): this {
    this.op(OP.call);
    this.#selfCalls.push(this.#code.length);
    return this.op(...padded(0));
  }

  /** Does one of two things, by the number on the stack. */
  if(then: () => void, otherwise?: () => void): this {
    this.op(OP.if, NO_RESULT);
    then();
    if (otherwise !== undefined) {
      this.op(OP.else);
      otherwise();
    }
    return this.op(OP.end);
  }

  /** While the local `index` is less than the local `end`, unsigned. The end must be reached before 2^32 is. */
  countTo(index: number, end: number, step: number, body: () => void): this {
    this.op(OP.block, NO_RESULT).get(index).get(end).op(OP.notLessUnsigned, OP.branchIf, 0, OP.loop, NO_RESULT);
    body();
    this.get(index).i32(step).op(OP.i32Add).tee(index).get(end);
    return this.op(OP.lessUnsigned, OP.branchIf, 0, OP.end, OP.end);
  }

  /** Two functions with the same key do the same. */
  get key(): string {
    return String.fromCharCode(...typeOf(this.signature), ...this.#localTypes(), ...this.#code);
  }

  /** The function as bytes, once it has a number. */
  bytes(index: number): number[] {
    for (const at of this.#selfCalls) this.#code.splice(at, 5, ...padded(index));
    const body = [...this.#localTypes(), ...this.#code, OP.end];
    return [...unsigned(body.length), ...body];
  }

  #localTypes(): number[] {
    return list(this.#locals.map((type) => [1, VALUE_TYPES[type]]));
  }
}

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
    return Uint8Array.from([
      ...MAGIC,
      ...section(1, list(this.#typeBytes)),
      ...section(2, list(this.#imports)),
      ...section(3, list(signatures)),
      ...section(4, list([[0x70, 1, ...unsigned(tableSize), ...unsigned(tableSize)]])),
      ...section(6, list([[VALUE_TYPES.i32, 1, OP.i32Const, 0, OP.end]])),
      ...section(7, list(this.#exports)),
      ...section(9, list([[0, OP.i32Const, 1, OP.end, ...list(this.#slots.map(unsigned))]])),
      ...section(10, list(this.#functions.map((writer, i) => writer.bytes(this.#imported + i)))),
    ]);
  }
}
