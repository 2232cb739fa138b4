import type { FloatArray } from '@sgd/core';
import { endOf, type Part, type Piece } from './blocks.ts';
import type { HostKind } from './host-kinds.ts';
import { feed, type FedNumber, type HostPass, type HostPlan } from './host-plan.ts';
import { cut, gather, type Memory } from './memory.ts';
import type { Ort, OrtTensor, OrtTensors } from './ort.ts';

const isShared = ({ buffer }: FloatArray): boolean => buffer[Symbol.toStringTag] === 'SharedArrayBuffer';

/** A pass of a plan over a piece. */
export interface Run {
  readonly kind: HostKind;
  readonly plan: HostPlan;
  readonly pass: HostPass;
  readonly piece: Piece;
  /** By variable; none for variables that have none. */
  readonly gradients: readonly FloatArray[];
}

/** Runs passes over pieces of memory, and changes nothing. */
export class HostRuns {
  readonly #ort: Ort;
  readonly #values: readonly FloatArray[];
  readonly #memory: Memory;

  constructor(ort: Ort, values: readonly FloatArray[], memory: Memory) {
    this.#ort = ort;
    this.#values = values;
    this.#memory = memory;
  }

  /** What comes out is in memory of its own. */
  run({ kind, plan, pass, piece, gradients }: Run): Promise<OrtTensors> {
    const feeds: Record<string, OrtTensor> = {};
    for (const name of pass.tensors) {
      if (name === 'variable') feeds[name] = this.#lend(kind, piece, name, this.#values);
      else if (name === 'gradient') feeds[name] = this.#lend(kind, piece, name, gradients);
      else feeds[name] = this.#memory.slot(piece, name);
    }
    for (const { name, tensor } of pass.numbers) feeds[name] = tensor;
    if (pass.ownNumbers.length > 0) this.#feedOwn(feeds, kind, plan, pass, piece.parts);
    return pass.model.run(feeds, pass.fetches);
  }

  /** Arrays of variables as a tensor: as they are, where ONNX Runtime takes that. */
  #lend(kind: HostKind, { parts }: Piece, name: string, arrays: readonly FloatArray[]): OrtTensor {
    const [first, ...others] = cut(parts, arrays) as [FloatArray, ...FloatArray[]];
    const { length } = first;
    if (others.length === 0 && !isShared(first)) return new this.#ort.Tensor(kind.dtype, first, [length]);
    const size = endOf(parts) - parts[0]!.at;
    const copy = gather([first, ...others], kind.room(name)).subarray(0, size);
    return new this.#ort.Tensor(kind.dtype, copy, [size]);
  }

  /** Numbers that depend on the variable: one, or as many as the piece has elements. */
  #feedOwn(
    feeds: Record<string, OrtTensor>,
    kind: HostKind,
    plan: HostPlan,
    { ownNumbers }: HostPass,
    parts: readonly Part[],
  ): void {
    if (parts.length === 1) {
      feed(ownNumbers, plan.numbersOf(parts[0]!.variable));
      return;
    }
    for (const number of ownNumbers) feeds[number.name] = this.#spread(kind, plan, number, parts);
  }

  #spread(kind: HostKind, plan: HostPlan, { name, place, dtype }: FedNumber, parts: readonly Part[]): OrtTensor {
    const room = kind.room(name, dtype);
    const from = parts[0]!.at;
    for (const { variable, start, end, at } of parts) {
      room.fill(plan.numbersOf(variable)[place]!, at - from, at - from + end - start);
    }
    const size = endOf(parts) - from;
    return new this.#ort.Tensor(dtype, room.subarray(0, size), [size]);
  }
}
