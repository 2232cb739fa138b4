import { list, padded, pushAll, pushUnsigned, signed, sized } from './wasm-bytes.ts';
import { OP } from './wasm-opcodes.ts';

/** A type of parameters, results and locals. */
export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

/** What a function takes and gives. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export const VALUE_TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** A block, loop or branch that leaves nothing on the stack. */
const NO_RESULT = 0x40;

const types = (all: readonly ValueType[]): number[] => list(all.map((type) => [VALUE_TYPES[type]]));
/** A signature in bytes. */
export const typeOf = ({ params, results }: Signature): number[] => [0x60, ...types(params), ...types(results)];

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
    pushAll(this.#code, bytes);
    return this;
  }

  simd(opcode: number, ...immediates: readonly number[]): this {
    this.#indexed(OP.simd, opcode);
    pushAll(this.#code, immediates);
    return this;
  }

  get(local: number): this {
    return this.#indexed(OP.getLocal, local);
  }

  set(local: number): this {
    return this.#indexed(OP.setLocal, local);
  }

  tee(local: number): this {
    return this.#indexed(OP.teeLocal, local);
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
    this.#code.push(opcode);
    return this.#indexed(2, offset);
  }

  simdMemory(opcode: number, offset: number): this {
    this.#indexed(OP.simd, opcode);
    return this.#indexed(2, offset);
  }

  call(index: number): this {
    return this.#indexed(OP.call, index);
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
    return `${typeOf(this.signature).join()} ${this.#localTypes().join()} ${String.fromCharCode(...this.#code)}`;
  }

  /** The function as bytes, once it has a number. */
  bytes(index: number): number[] {
    for (const at of this.#selfCalls) this.#code.splice(at, 5, ...padded(index));
    const body = this.#localTypes();
    pushAll(body, this.#code);
    body.push(OP.end);
    return sized(body);
  }

  /** A byte, and a number. */
  #indexed(byte: number, value: number): this {
    this.#code.push(byte);
    pushUnsigned(this.#code, value);
    return this;
  }

  #localTypes(): number[] {
    return list(this.#locals.map((type) => [1, VALUE_TYPES[type]]));
  }
}
