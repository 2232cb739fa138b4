import type { Kernel, Pass, TracedValue } from '@sgd/core/engine';
import { type NumberLayout, ownNumbersAt, RECORD } from './layout.ts';
import type { FunctionWriter, Signature } from './function.ts';
import { type FloatType, OP, SIMD } from './opcodes.ts';
import { VectorOperations } from './operations.ts';

/** The signature of all functions over a part of a record's tensors: record, numbers, from, bytes. */
export const PASS_SIGNATURE: Signature = { params: ['i32', 'i32', 'i32', 'i32'], results: [] };
/** The locals that are its parameters. */
export const PASS_LOCALS = { record: 0, numbers: 1, from: 2, bytes: 3 } as const;

const VECTOR_BYTES = 16;

/** A traced kernel, and where it finds what it reads. */
export interface PlacedKernel {
  readonly kernel: Kernel;
  readonly layout: NumberLayout;
  readonly type: FloatType;
  /** The names of the tensors of a record, in its order. */
  readonly tensors: readonly string[];
  /** The number of the imported function. */
  readonly pow: number;
}

/** What a turn of a loop computes: a vector at a distance from the index, or the one element that is left in the lowest lane. */
export type Lanes = number | 'tail';

/** Assumptions about the numbers that make a loop faster without changing its bits. */
export interface Assumptions {
  /** Divisors that are numbers of the step are powers of two: a product with the inverse stands for the division. */
  readonly divisorsHaveInverses: boolean;
  /** Numbers that elements are compared with are neither 0 nor NaN. */
  readonly boundsAreOrdinary: boolean;
}

/**
 * The inside of a loop over the elements of a pass: the addresses of its tensors, its numbers as vectors, and the values of a turn, each in
 * locals.
 */
export class ElementLoop {
  /** The distance from the addresses, in bytes. */
  readonly index: number;
  readonly #code: FunctionWriter;
  readonly #placed: PlacedKernel;
  readonly #pass: Pass;
  readonly #operations: VectorOperations;
  readonly #pointers = new Map<number, number>();
  readonly #numbers = new Map<TracedValue, number>();
  readonly #inverses = new Map<TracedValue, number>();
  readonly #bounds: ReadonlySet<TracedValue>;
  readonly #values: Map<TracedValue, number>[] = [];

  /** Writes the loads of addresses and numbers. */
  constructor(code: FunctionWriter, placed: PlacedKernel, pass: Pass) {
    this.#code = code;
    this.#placed = placed;
    this.#pass = pass;
    this.#operations = new VectorOperations(code, placed.type, placed.pow);
    this.index = code.local('i32');
    this.#bounds = new Set(pass.wide.flatMap((value) => boundOf(value) ?? []));
    for (const value of pass.wide) if (value.kind === 'tensor') this.#loadPointer(value.name);
    for (const { tensor } of pass.stores) this.#loadPointer(placed.kernel.tensors[tensor]!);
    for (const value of numbersOf(pass)) this.#loadNumber(value);
  }

  /** Writes loops for each set of assumptions that can be made, and the choice among them. */
  writeVersions(write: (assumed: Assumptions) => void): void {
    const code = this.#code;
    const divisors = (boundsAreOrdinary: boolean): void => {
      const version = (divisorsHaveInverses: boolean) => (): void => write({ divisorsHaveInverses, boundsAreOrdinary });
      if (this.#inverses.size === 0) return version(false)();
      this.#pushInverses();
      code.if(version(true), version(false));
    };
    if (this.#bounds.size === 0) return divisors(false);
    this.#pushOrdinary();
    code.if(
      () => divisors(true),
      () => write({ divisorsHaveInverses: false, boundsAreOrdinary: false }),
    );
  }

  /** Computes all values of a vector. */
  compute(lane: Lanes, assumed: Assumptions): void {
    for (const value of this.#pass.wide) {
      this.#pushComputed(value, lane, assumed);
      this.#code.set(this.#localOf(value, lane));
    }
  }

  /** Puts a value on the stack: of a vector, or a number in all elements. */
  push(value: TracedValue, lane: Lanes): void {
    this.#code.get(value.isWide ? this.#localOf(value, lane) : this.#numbers.get(value)!);
  }

  /** Stores what the pass stores. */
  store(lane: Lanes): void {
    const { kernel, type } = this.#placed;
    for (const { tensor, value } of this.#pass.stores) {
      this.#pushAddress(kernel.tensors[tensor]!);
      this.push(value, lane);
      if (lane === 'tail') this.#code.simdMemory(type.storeLane, 0).op(0);
      else this.#code.simdMemory(SIMD.store, VECTOR_BYTES * lane);
    }
  }

  /** Puts on the stack whether all divisors of the step have inverses. */
  #pushInverses(): void {
    const { layout, type } = this.#placed;
    const code = this.#code.i32(1);
    for (const value of this.#inverses.keys()) {
      code.get(PASS_LOCALS.numbers).memory(type.load, layout.inverseOffset(value)!);
      code.float(type.constant, 0, type.size).op(type.notEqual, OP.i32And);
    }
  }

  /** Puts on the stack whether all bounds are neither 0 nor NaN. */
  #pushOrdinary(): void {
    const { type } = this.#placed;
    const code = this.#code.i32(1);
    for (const value of this.#bounds) {
      code.get(this.#numbers.get(value)!).simd(type.extractLane, 0).op(type.number.abs);
      code.float(type.constant, 0, type.size).op(type.greater, OP.i32And);
    }
  }

  #pushComputed(value: TracedValue, lane: Lanes, assumed: Assumptions): void {
    const { type, layout } = this.#placed;
    const { kind, operands, name } = value;
    const code = this.#code;
    const push = (operand: TracedValue) => (): void => this.push(operand, lane);
    const [a, b] = operands as [TracedValue, TracedValue];
    const bound = assumed.boundsAreOrdinary ? boundOf(value) : undefined;
    if (kind === 'tensor') {
      this.#pushAddress(name);
      if (lane === 'tail') code.simdMemory(type.loadZero, 0);
      else code.simdMemory(SIMD.load, VECTOR_BYTES * lane);
    } else if (bound !== undefined) {
      this.push(bound === b ? a : b, lane);
      this.push(bound, lane);
      code.simd(type.bounded[kind as 'min' | 'max']);
    } else if (kind === 'scale' && layout.isWide(b)) this.#operations.pushScaled(push(a), push(b));
    else if (kind === 'div' && assumed.divisorsHaveInverses && this.#inverses.has(b)) {
      this.#operations.push('mul', [push(a), (): void => void code.get(this.#inverses.get(b)!)], type.lanes);
    } else this.#operations.push(kind, operands.map(push), lane === 'tail' ? 1 : type.lanes);
  }

  #pushAddress(name: string): void {
    const pointer = this.#pointers.get(this.#placed.tensors.indexOf(name))!;
    this.#code.get(pointer).get(this.index).op(OP.i32Add);
  }

  #localOf(value: TracedValue, lane: Lanes): number {
    const locals = (this.#values[lane === 'tail' ? 0 : lane] ??= new Map<TracedValue, number>());
    let local = locals.get(value);
    if (local === undefined) {
      local = this.#code.local('v128');
      locals.set(value, local);
    }
    return local;
  }

  #loadPointer(name: string): void {
    const tensor = this.#placed.tensors.indexOf(name);
    if (this.#pointers.has(tensor)) return;
    const pointer = this.#code.local('i32');
    this.#pointers.set(tensor, pointer);
    this.#code.get(PASS_LOCALS.record).memory(OP.i32Load, 4 * (RECORD.tensors + tensor));
    this.#code.get(PASS_LOCALS.from).op(OP.i32Add).set(pointer);
  }

  /** Loads, unlike a splat of what was loaded, are not moved into the loop by V8. */
  #loadNumber(value: TracedValue): void {
    const { layout, type, tensors } = this.#placed;
    const code = this.#code;
    const load = (base: number, offset: number, opcode: number): number => {
      const local = code.local('v128');
      code.get(base).simdMemory(opcode, offset).set(local);
      return local;
    };
    const own = layout.ownOffset(value);
    if (own !== undefined) {
      this.#numbers.set(value, load(PASS_LOCALS.record, ownNumbersAt(tensors.length) + own, type.loadSplat));
      return;
    }
    const opcode = layout.isWide(value) ? SIMD.load64Splat : type.loadSplat;
    this.#numbers.set(value, load(PASS_LOCALS.numbers, layout.sharedOffset(value), opcode));
    const inverse = layout.inverseOffset(value);
    const divides = this.#pass.wide.some(({ kind, operands }) => kind === 'div' && operands[1] === value);
    if (divides && inverse !== undefined) this.#inverses.set(value, load(PASS_LOCALS.numbers, inverse, type.loadSplat));
  }
}

/** The numbers that a pass reads. */
function numbersOf({ wide, stores, observations, sums }: Pass): Set<TracedValue> {
  const read = [
    ...wide.flatMap((value) => value.operands),
    ...stores.map(({ value }) => value),
    ...observations.flatMap(({ value, minus }) => (minus === null ? [value] : [value, minus])),
    ...sums.flatMap((sum) => sum.operands),
  ];
  return new Set(read.filter((value) => !value.isWide));
}

/** What elements are bounded by, if a value is the larger or smaller of an element and a number. */
function boundOf({ kind, operands }: TracedValue): TracedValue | undefined {
  if (kind !== 'min' && kind !== 'max') return undefined;
  const numbers = operands.filter((operand) => !operand.isWide);
  return numbers.length === 1 ? numbers[0] : undefined;
}
