import type { DType } from '@sgd/core';
import { isExactScalar, type Kernel, type TracedValue } from '@sgd/core/engine';
import { FLOAT_TYPES } from './opcodes.ts';

// What a host and the kernels share in memory. The host chooses the addresses; all are multiples of 4, those of numbers and records of 8.

/** A task: what is done to a variable in a situation. Places in words of four bytes. */
export const TASK = {
  /** In the table; 0: there is nothing to do. */
  reduce: 0,
  write: 1,
  /** The address of the numbers: see `NumberLayout`. */
  numbers: 2,
  /** The address of the record. */
  record: 3,
  words: 4,
} as const;

/** A record: where the tensors of a variable are. Places in words of four bytes. */
export const RECORD = {
  /** Length of each tensor. */
  bytes: 0,
  /** 0; or a multiple of 4 for a gradient that the host streams: see {@link WasmImports.feed}. */
  fed: 1,
  /** The address of the figures that kernels observe, in float64, a multiple of 8. */
  observed: 2,
  /** The address to which a reduction writes the kernel's results, in the kernel's type. */
  results: 3,
  /** The addresses of the tensors from here on, in an order that the host chooses. The first is that of the gradient. */
  tensors: 4,
} as const;

/** Bytes of a piece of a gradient. */
export const PIECE_BYTES = 4096;

/** Where the numbers that follow from sums begin in a record with so many tensors, in bytes. */
export function ownNumbersAt(tensors: number): number {
  return 4 * (RECORD.tensors + tensors + (tensors % 2));
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
  readonly #wide: ReadonlySet<TracedValue>;
  readonly #shared = new Map<TracedValue, number>();
  readonly #inverses = new Map<TracedValue, number>();
  readonly #own = new Map<TracedValue, number>();

  /** @param hasWideFactor - whether scalars keep float64 that a kernel of float32 may multiply by */
  constructor(kernel: Kernel, dtype: DType, hasWideFactor: boolean) {
    const { size } = FLOAT_TYPES[dtype];
    const divisors = divisorsOf(kernel);
    const shared = kernel.numbers.filter((value) => value.level === 0);
    const canBeWide = hasWideFactor && dtype === 'float32';
    const isWide = ({ kind, name }: TracedValue): boolean => canBeWide && kind === 'scalar' && isExactScalar(name);
    this.#wide = new Set(shared.filter(isWide));
    let bytes = 0;
    // the wide ones first: they stay aligned
    for (const value of new Set([...this.#wide, ...shared])) {
      this.#shared.set(value, bytes);
      bytes += this.#wide.has(value) ? 8 : size;
      if (!divisors.has(value)) continue;
      this.#inverses.set(value, bytes);
      bytes += size;
    }
    this.sharedBytes = Math.ceil(bytes / 8) * 8;
    for (const value of kernel.numbers) if (value.level > 0) this.#own.set(value, size * this.#own.size);
    this.ownBytes = size * this.#own.size;
  }

  /** The numbers of a step, and what follows from them without a sum. */
  get shared(): Iterable<TracedValue> {
    return this.#shared.keys();
  }

  /** Where a number that follows from a sum is, in bytes from the first in the record; `undefined` for others. */
  ownOffset(value: TracedValue): number | undefined {
    return this.#own.get(value);
  }

  /** Where a number of the step is, in bytes from the first. */
  sharedOffset(value: TracedValue): number {
    return this.#shared.get(value)!;
  }

  /** Where the inverse of a number is; `undefined` if nothing is divided by it. */
  inverseOffset(value: TracedValue): number | undefined {
    return this.#inverses.get(value);
  }

  /** Whether a number is a float64 for a kernel of float32. */
  isWide(value: TracedValue): boolean {
    return this.#wide.has(value);
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
