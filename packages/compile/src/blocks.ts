import type { DType, FloatArray } from '@sgd/core';
import {
  type Kernel,
  type NumberProgram,
  type Pass,
  pairwiseSum,
  roundingOf,
  type TracedValue,
} from '@sgd/core/engine';
import { type Operand, operations, scaleBy } from './block-operations.ts';
import type { PassFunction } from './pass.ts';

/** Elements of a block: what one operation writes of it is still in the first-level cache when the next one reads it. */
const BLOCK = 1024;

/** One operation of a pass, and the operands that it goes over. */
interface Stage {
  readonly value: TracedValue;
  readonly to: Operand;
  readonly operands: readonly Operand[];
}

/**
 * A function of a pass without making code: operation by operation over blocks. For pages whose content security policy forbids code
 * from text. The same bits as `compileJavaScript`, in about four times the time.
 */
export function compileBlocks(kernel: Kernel, pass: Pass, program: NumberProgram, dtype: DType): PassFunction {
  const interpreter = new BlockInterpreter(kernel, pass, program, dtype);
  return (tensors, numbers, from, to, totals, at) => interpreter.run(tensors, numbers, from, to, totals, at);
}

class BlockInterpreter {
  readonly #pass: Pass;
  readonly #program: NumberProgram;
  readonly #round: (value: number) => number;
  /** The numbers in the type of the tensors: loops that meet both types are slow with both. */
  readonly #numbers: FloatArray;
  readonly #tensors: { readonly operand: Operand; readonly tensor: number }[] = [];
  readonly #stages: Stage[] = [];
  /** What no operation wrote to its place. */
  readonly #stores: Pass['stores'];
  readonly #operands = new Map<TracedValue, Operand>();

  constructor(kernel: Kernel, pass: Pass, program: NumberProgram, dtype: DType) {
    const allocate = (length: number): FloatArray =>
      dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
    this.#pass = pass;
    this.#program = program;
    this.#round = roundingOf(dtype);
    this.#numbers = allocate(kernel.numbers.length);
    for (const value of kernel.numbers) {
      this.#operands.set(value, { values: this.#numbers, offset: program.placeOf(value), mask: 0 });
    }
    const moved = new Set(pass.stores.map(({ value }) => value));
    for (const value of pass.wide) {
      const isTensor = value.kind === 'tensor';
      const operands = value.operands.map((operand) => this.#operandOf(operand));
      if (isTensor) {
        const operand = this.#lie(kernel.tensors.indexOf(value.name));
        this.#operands.set(value, operand);
        if (!moved.has(value)) continue;
        // a tensor that becomes another one is copied first: its own new values may be stored before
        operands.push(operand);
      }
      const target = isTensor ? undefined : targetOf(kernel, pass, value);
      const to = target === undefined ? { values: allocate(BLOCK), offset: 0, mask: -1 } : this.#lie(target);
      this.#operands.set(value, to);
      this.#stages.push({ value, to, operands });
    }
    this.#stores = pass.stores.filter(({ tensor, value }) => targetOf(kernel, pass, value) !== tensor);
  }

  /** An operand that lies in a tensor, from the start of the block on. */
  #lie(tensor: number): Operand {
    const operand = { values: this.#numbers, offset: 0, mask: -1 };
    this.#tensors.push({ operand, tensor });
    return operand;
  }

  run(
    tensors: readonly FloatArray[],
    numbers: Float64Array,
    from: number,
    to: number,
    totals: FloatArray,
    at: number,
  ): void {
    this.#numbers.set(numbers);
    for (let start = from; start < to; start += BLOCK) {
      const count = Math.min(BLOCK, to - start);
      for (const { operand, tensor } of this.#tensors) {
        operand.values = tensors[tensor] as FloatArray;
        operand.offset = start;
      }
      for (const stage of this.#stages) this.#compute(stage, numbers, count);
      this.#observe(count, totals, at);
      this.#store(tensors, start, count);
    }
    this.#pass.sums.forEach((sum, j) => {
      totals[at + j] = this.#sum(this.#operandOf(sum.operands[0] as TracedValue), to - from);
    });
  }

  #operandOf(value: TracedValue): Operand {
    return this.#operands.get(value) as Operand;
  }

  #compute({ value, to, operands }: Stage, numbers: Float64Array, count: number): void {
    const { kind } = value;
    const [a, b = a, c = a] = operands as [Operand, Operand?, Operand?];
    if (kind === 'scale') {
      const factor = value.operands[1] as TracedValue;
      // a factor of the other type has more digits than the numbers in the type of the tensors
      if (!factor.isWide) return scaleBy(to, a, numbers[this.#program.placeOf(factor)] as number, count);
    }
    operations[kind as keyof typeof operations](to, a, b, c, count);
  }

  #store(tensors: readonly FloatArray[], start: number, count: number): void {
    for (const { tensor, value } of this.#stores) {
      const target = tensors[tensor] as FloatArray;
      const { values, offset, mask } = this.#operandOf(value);
      for (let i = 0; i < count; i++) target[start + i] = values[offset + (i & mask)] as number;
    }
  }

  #observe(count: number, totals: FloatArray, at: number): void {
    this.#pass.observations.forEach(({ value, minus }, j) => {
      const a = this.#operandOf(value);
      const b = minus === null ? null : this.#operandOf(minus);
      let total = 0;
      for (let i = 0; i < count; i++) {
        const x = a.values[a.offset + (i & a.mask)] as number;
        const difference = b === null ? x : x - (b.values[b.offset + (i & b.mask)] as number);
        total += difference * difference;
      }
      (totals[at + j] as number) += total;
    });
  }

  /** Of one block: a pass that sums is given at most 128 elements. */
  #sum({ values, offset, mask }: Operand, count: number): number {
    if (mask !== 0) return pairwiseSum(values, this.#round, count, offset);
    return pairwiseSum(Array<number>(count).fill(values[offset] as number), this.#round);
  }
}

/**
 * The tensor that an operation can write its result to at once: it is stored there, and nothing needs the old values any more.
 * `undefined`: it needs room of its own.
 */
function targetOf(kernel: Kernel, { stores, wide, observations }: Pass, value: TracedValue): number | undefined {
  if (!value.isWide || value.kind === 'tensor') return undefined;
  const store = stores.find((one) => one.value === value);
  if (store === undefined) return undefined;
  const isOld = (other: TracedValue | null): boolean =>
    other?.kind === 'tensor' && other.name === kernel.tensors[store.tensor];
  const later = wide.slice(wide.indexOf(value) + 1);
  const isNeeded =
    later.some((other) => other.operands.some(isOld)) ||
    stores.some((other) => isOld(other.value)) ||
    observations.some((one) => isOld(one.value) || isOld(one.minus));
  return isNeeded ? undefined : store.tensor;
}
