import type { DType } from '@sgd/core';
import type { Operation } from '@sgd/core/engine';
import type { ValueType } from './wasm-function.ts';

// The numbers of instructions, from the specification of WebAssembly.

/** Control, integers and memory. */
export const OP = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  branchIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  select: 0x1b,
  getLocal: 0x20,
  setLocal: 0x21,
  teeLocal: 0x22,
  getGlobal: 0x23,
  setGlobal: 0x24,
  i32Load: 0x28,
  i32Store: 0x36,
  i32Const: 0x41,
  isZero: 0x45,
  lessUnsigned: 0x49,
  greaterUnsigned: 0x4b,
  notLessUnsigned: 0x4f,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32And: 0x71,
  i32Or: 0x72,
  shiftLeft: 0x74,
  shiftRightUnsigned: 0x76,
  demote: 0xb6,
  promote: 0xbb,
  simd: 0xfd,
  f64Load: 0x2b,
  f64Store: 0x39,
  f64Add: 0xa0,
  f64Sub: 0xa1,
  f64Mul: 0xa2,
} as const;

/** After the prefix `simd`: what does not depend on the type. */
export const SIMD = {
  load: 0x00,
  load64Splat: 0x0a,
  store: 0x0b,
  const: 0x0c,
  shuffle: 0x0d,
  or: 0x50,
  bitselect: 0x52,
  anyTrue: 0x53,
  demoteZero: 0x5e,
  promoteLow: 0x5f,
  f64x2Extract: 0x21,
  f64x2Add: 0xf0,
  f64x2Sub: 0xf1,
  f64x2Mul: 0xf2,
} as const;

/** Operations that are one instruction, on numbers as on vectors. */
export type SimpleOperation = Exclude<Operation, 'sign' | 'select' | 'scale' | 'pow' | 'sum'>;

/** The instructions of a type. */
export interface FloatType {
  readonly valueType: ValueType;
  /** Bytes of an element. */
  readonly size: 4 | 8;
  /** Elements of a vector. */
  readonly lanes: 2 | 4;
  readonly constant: number;
  readonly load: number;
  readonly store: number;
  readonly greater: number;
  readonly notEqual: number;
  readonly number: Readonly<Record<SimpleOperation, number>>;
  /** A power of two whose square brings the smallest number above 1. */
  readonly big: number;
  /** After the prefix `simd`. */
  readonly splat: number;
  readonly loadSplat: number;
  readonly loadZero: number;
  readonly storeLane: number;
  readonly extractLane: number;
  readonly replaceLane: number;
  readonly greaterVector: number;
  readonly vector: Readonly<Record<SimpleOperation, number>>;
  /** `b < a ? b : a` and `a < b ? b : a`: faster, but for a NaN in `b` and zeros of both signs. */
  readonly bounded: Readonly<Record<'min' | 'max', number>>;
}

const float32: FloatType = {
  valueType: 'f32',
  size: 4,
  lanes: 4,
  constant: 0x43,
  load: 0x2a,
  store: 0x38,
  greater: 0x5e,
  notEqual: 0x5c,
  number: { abs: 0x8b, neg: 0x8c, sqrt: 0x91, add: 0x92, sub: 0x93, mul: 0x94, div: 0x95, min: 0x96, max: 0x97 },
  big: 2 ** 127,
  splat: 0x13,
  loadSplat: 0x09,
  loadZero: 0x5c,
  storeLane: 0x5a,
  extractLane: 0x1f,
  replaceLane: 0x20,
  greaterVector: 0x44,
  vector: { abs: 0xe0, neg: 0xe1, sqrt: 0xe3, add: 0xe4, sub: 0xe5, mul: 0xe6, div: 0xe7, min: 0xe8, max: 0xe9 },
  bounded: { min: 0xea, max: 0xeb },
};

const float64: FloatType = {
  valueType: 'f64',
  size: 8,
  lanes: 2,
  constant: 0x44,
  load: 0x2b,
  store: 0x39,
  greater: 0x64,
  notEqual: 0x62,
  number: { abs: 0x99, neg: 0x9a, sqrt: 0x9f, add: 0xa0, sub: 0xa1, mul: 0xa2, div: 0xa3, min: 0xa4, max: 0xa5 },
  big: 2 ** 1023,
  splat: 0x14,
  loadSplat: 0x0a,
  loadZero: 0x5d,
  storeLane: 0x5b,
  extractLane: 0x21,
  replaceLane: 0x22,
  greaterVector: 0x4a,
  vector: { abs: 0xec, neg: 0xed, sqrt: 0xef, add: 0xf0, sub: 0xf1, mul: 0xf2, div: 0xf3, min: 0xf4, max: 0xf5 },
  bounded: { min: 0xf6, max: 0xf7 },
};

/** The instructions of each type. */
export const FLOAT_TYPES: Readonly<Record<DType, FloatType>> = { float32, float64 };
