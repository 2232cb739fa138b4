import type { DType } from '@sgd/core';
import { isExactScalar, type Kernel, type NumberProgram, type TracedValue } from '@sgd/core/engine';
import { FLOAT_TYPES } from './wasm-opcodes.ts';

// What a host and the kernels share in memory. The host chooses the addresses; all are multiples of 4, those of numbers and records of 8.

/** A task: what is done to a variable in a situation. Places in words of four bytes. */
export const TASK = {
  /** In the table; 0: there is nothing to do. */
  reduce: 0,
  write: 1,
  /** The address of the numbers: see {@link NumberLayout}. */
  numbers: 2,
  /** The address of the record. */
  record: 3,
  words: 4,
} as const;

/** A record: where the tensors of a variable are. Places in words of four bytes. */
export const RECORD = {
  /** Length of each tensor. */
  bytes: 0,
  /** 0; or a multiple of 4 for a gradient that the host hands over in pieces: see {@link WasmImports.feed}. */
  fed: 1,
  /** The address of the figures that kernels observe, in float64, a multiple of 8. */
  observed: 2,
  /** The addresses of the tensors from here on, in an order that the host chooses. The first is that of the gradient. */
  tensors: 4,
} as const;

/** Bytes of a piece of a gradient. */
export const PIECE_BYTES = 4096;

/** Where the numbers that follow from sums begin in a record with so many tensors, in bytes. */
export function ownNumbersAt(tensors: number): number {
  return 4 * (RECORD.tensors + tensors + (tensors % 2));
}

/** Views of the memory. */
export interface MemoryViews {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
}

/** A number of the step in memory. */
interface SharedNumber {
  readonly value: TracedValue;
  /** The place in the {@link NumberProgram}. */
  readonly place: number;
  /** In bytes, from the first. */
  readonly offset: number;
  /** A float64 for kernels of float32. */
  readonly isWide: boolean;
  /** Of a divisor: where its inverse is; -1 for others. */
  readonly inverseOffset: number;
}

/**
 * Where a kernel finds its numbers. Those of a step, and what follows from them, are shared by the variables of a group. What follows from
 * sums stands in the record of each variable. After a divisor comes its inverse, if multiplying by that gives the same bits, else 0.
 */
export class NumberLayout {
  /** Of the shared numbers. */
  readonly sharedBytes: number;
  /** Of the numbers in a record. */
  readonly ownBytes: number;
  readonly #isFloat32: boolean;
  readonly #shared = new Map<TracedValue, SharedNumber>();
  readonly #list: readonly SharedNumber[];
  readonly #own = new Map<TracedValue, number>();

  /** @param hasWideFactor - whether scalars keep float64 that a kernel of float32 may multiply by */
  constructor(kernel: Kernel, program: NumberProgram, dtype: DType, hasWideFactor: boolean) {
    const { size } = FLOAT_TYPES[dtype];
    this.#isFloat32 = dtype === 'float32';
    const isWide = (value: TracedValue): boolean =>
      hasWideFactor && this.#isFloat32 && value.kind === 'scalar' && isExactScalar(value.name);
    const divisors = divisorsOf(kernel);
    const shared = kernel.numbers.filter((value) => value.level === 0);
    let offset = 0;
    // the wide ones first: they stay aligned
    for (const value of [...shared.filter(isWide), ...shared.filter((value) => !isWide(value))]) {
      const one = { value, place: program.placeOf(value), offset, isWide: isWide(value), inverseOffset: -1 };
      offset += one.isWide ? 8 : size;
      if (divisors.has(value)) {
        one.inverseOffset = offset;
        offset += size;
      }
      this.#shared.set(value, one);
    }
    this.#list = [...this.#shared.values()];
    this.sharedBytes = Math.ceil(offset / 8) * 8;
    for (const value of kernel.numbers) if (value.level > 0) this.#own.set(value, size * this.#own.size);
    this.ownBytes = size * this.#own.size;
  }

  /** Where a number that follows from a sum is, in bytes from the first in the record; `undefined` for others. */
  ownOffset(value: TracedValue): number | undefined {
    return this.#own.get(value);
  }

  /** Where a number of the step is, in bytes. */
  sharedOffset(value: TracedValue): number {
    return this.#shared.get(value)!.offset;
  }

  /** Where the inverse of a number is; -1 if nothing is divided by it. */
  inverseOffset(value: TracedValue): number {
    return this.#shared.get(value)?.inverseOffset ?? -1;
  }

  /** Whether a number is a float64 for a kernel of float32. */
  isWide(value: TracedValue): boolean {
    return this.#shared.get(value)?.isWide ?? false;
  }

  /** Writes the numbers of a step, as `NumberProgram.begin` left them, to an address. */
  store(numbers: Float64Array, { float32, float64 }: MemoryViews, address: number): void {
    const isFloat32 = this.#isFloat32;
    for (let i = 0; i < this.#list.length; i++) {
      const { place, offset, isWide, inverseOffset } = this.#list[i]!;
      const value = numbers[place]!;
      if (isFloat32 && !isWide) float32[(address + offset) / 4] = value;
      else float64[(address + offset) / 8] = value;
      if (inverseOffset < 0) continue;
      if (isFloat32) float32[(address + inverseOffset) / 4] = exactInverse(value, 126);
      else float64[(address + inverseOffset) / 8] = exactInverse(value, 1022);
    }
  }
}

/** Numbers of the step that tensors are divided by. */
function divisorsOf({ passes }: Kernel): Set<TracedValue> {
  const divisors = new Set<TracedValue>();
  for (const { wide } of passes) {
    for (const { kind, operands } of wide) {
      const divisor = operands[1];
      if (kind === 'div' && !divisor!.isWide && divisor!.level === 0) divisors.add(divisor!);
    }
  }
  return divisors;
}

const bits = new DataView(new ArrayBuffer(8));

/** The inverse of a positive power of two, where both have full precision; else 0. */
function exactInverse(value: number, lowestExponent: number): number {
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  if ((high & 0xfffff) !== 0 || bits.getUint32(4) !== 0) return 0;
  const exponent = (high >>> 20) - 1023;
  return exponent >= -lowestExponent && exponent <= lowestExponent ? 1 / value : 0;
}
