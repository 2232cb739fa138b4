import type { TracedValue } from '@sgd/core/engine';
import type { FunctionWriter } from './function.ts';
import { type FloatType, OP, SIMD, type SimpleOperation } from './opcodes.ts';

// The instructions of one operation. Operands are given as functions that put them on the stack.

/** Puts a value on the stack. */
export type Push = () => void;

const ZEROS: readonly number[] = Array.from({ length: 16 }, () => 0);
/** Bytes of one vector, then of another one. */
const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/** Brings the upper elements of a vector to where the lower ones are. */
export function pushHighHalf(code: FunctionWriter, push: Push): void {
  push();
  push();
  code.simd(SIMD.shuffle, ...HIGH_HALF);
}

/** `a` to the power `b`, of numbers on the stack. */
function power(code: FunctionWriter, { size }: FloatType, pow: number, pushA: Push, pushB: Push): void {
  pushA();
  if (size === 4) code.op(OP.promote);
  pushB();
  if (size === 4) code.op(OP.promote);
  code.call(pow);
  if (size === 4) code.op(OP.demote);
}

/** An operation on vectors. */
export class VectorOperations {
  readonly #code: FunctionWriter;
  readonly #type: FloatType;
  readonly #pow: number;

  /** @param pow - the number of the imported function */
  constructor(code: FunctionWriter, type: FloatType, pow: number) {
    this.#code = code;
    this.#type = type;
    this.#pow = pow;
  }

  /** @param lanes - how many elements of the result are used; matters where they are computed one by one */
  push(kind: TracedValue['kind'], operands: readonly Push[], lanes: number): void {
    const [a, b, c] = operands as [Push, Push, Push];
    if (kind === 'sign') this.#sign(a);
    else if (kind === 'select') this.#select(a, b, c);
    else if (kind === 'pow') this.#powers(a, b, lanes);
    else {
      for (const push of operands) push();
      this.#code.simd(this.#type.vector[(kind === 'scale' ? 'mul' : kind) as SimpleOperation]);
    }
  }

  /** `a * factor` of float32 by a float64: rounded once, after the product. */
  pushScaled(a: Push, factor: Push): void {
    const code = this.#code;
    const half = (pushHalf: Push): void => {
      pushHalf();
      code.simd(SIMD.promoteLow);
      factor();
      code.simd(SIMD.f64x2Mul).simd(SIMD.demoteZero);
    };
    half(a);
    half(() => pushHighHalf(code, a));
    code.simd(SIMD.shuffle, ...LOW_HALVES);
  }

  #sign(a: Push): void {
    const { splat, constant, size, vector, big } = this.#type;
    const push = (value: number): void => void this.#code.float(constant, value, size).simd(splat);
    a();
    push(big);
    this.#code.simd(vector.mul);
    push(big);
    this.#code.simd(vector.mul);
    push(-1);
    this.#code.simd(vector.max);
    push(1);
    this.#code.simd(vector.min);
  }

  #select(a: Push, then: Push, otherwise: Push): void {
    then();
    otherwise();
    a();
    this.#code
      .simd(SIMD.const, ...ZEROS)
      .simd(this.#type.greaterVector)
      .simd(SIMD.bitselect);
  }

  #powers(a: Push, b: Push, lanes: number): void {
    const { extractLane, replaceLane } = this.#type;
    const laneOf = (push: Push, lane: number) => (): void => {
      push();
      this.#code.simd(extractLane, lane);
    };
    a();
    for (let lane = 0; lane < lanes; lane++) {
      power(this.#code, this.#type, this.#pow, laneOf(a, lane), laneOf(b, lane));
      this.#code.simd(replaceLane, lane);
    }
  }
}

/**
 * An operation on numbers.
 *
 * @param wideFactor - of `scale`: whether the factor is a float64 and `a` a float32
 */
export function pushNumber(
  code: FunctionWriter,
  type: FloatType,
  pow: number,
  kind: TracedValue['kind'],
  operands: readonly Push[],
  wideFactor: boolean,
): void {
  const [a, b, c] = operands as [Push, Push, Push];
  const { number, constant, size, big, greater } = type;
  if (kind === 'sign') {
    a();
    code.float(constant, big, size).op(number.mul).float(constant, big, size).op(number.mul);
    code.float(constant, -1, size).op(number.max).float(constant, 1, size).op(number.min);
  } else if (kind === 'select') {
    b();
    c();
    a();
    code.float(constant, 0, size).op(greater, OP.select);
  } else if (kind === 'pow') power(code, type, pow, a, b);
  else if (kind === 'scale' && wideFactor) {
    a();
    code.op(OP.promote);
    b();
    code.op(OP.f64Mul, OP.demote);
  } else {
    for (const push of operands) push();
    code.op(number[(kind === 'scale' ? 'mul' : kind) as SimpleOperation]);
  }
}
