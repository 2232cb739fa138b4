import type { DType } from '../contract.ts';
import type { Kernel } from './kernel.ts';
import { isExactScalar, type TracedValue } from './trace.ts';

interface Instruction {
  readonly kind: TracedValue['kind'];
  readonly to: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/**
 * What a kernel computes once for a tensor, not for each element: its constants, the numbers of the step, and expressions of both and of
 * sums. Every kernel reads these numbers by their place in an array that {@link NumberProgram.allocate} makes.
 */
export class NumberProgram {
  /** By level: what to compute when the sums of that level are known. Level 0 needs none. */
  readonly #levels: Instruction[][] = [];
  readonly #scalars: { readonly from: number; readonly place: number; readonly isRounded: boolean }[] = [];
  readonly #first: Float64Array;
  readonly #places = new Map<TracedValue, number>();
  readonly #isFloat32: boolean;

  /**
   * @param kernel - whose numbers these are
   * @param dtype - what they are rounded to
   * @param scalars - the names of the numbers that {@link NumberProgram.begin} is given, in order
   */
  constructor(kernel: Kernel, dtype: DType, scalars: readonly string[]) {
    this.#isFloat32 = dtype === 'float32';
    const { numbers } = kernel;
    numbers.forEach((value, place) => this.#places.set(value, place));
    this.#first = new Float64Array(numbers.length);
    numbers.forEach((value, place) => {
      const { kind, name, operands } = value;
      if (kind === 'constant') this.#first[place] = this.#isFloat32 ? Math.fround(value.number) : value.number;
      else if (kind === 'scalar') {
        const isRounded = this.#isFloat32 && !isExactScalar(name);
        this.#scalars.push({ from: scalars.indexOf(name), place, isRounded });
      } else if (kind !== 'sum') {
        const [a = 0, b = 0, c = 0] = operands.map((operand) => this.placeOf(operand));
        (this.#levels[value.level] ??= []).push({ kind, to: place, a, b, c });
      }
    });
  }

  /** Where a number stands. */
  placeOf(value: TracedValue): number {
    return this.#places.get(value) as number;
  }

  /** Whether anything is computed before there is any sum. */
  get computes(): boolean {
    return this.#levels[0] !== undefined;
  }

  /** An array for the numbers, with the constants in it. */
  allocate(): Float64Array {
    return this.#first.slice();
  }

  /** Writes the numbers of a step, and what follows from them without any sum. */
  begin(into: Float64Array, scalars: Float64Array): void {
    const own = this.#scalars;
    for (let i = 0; i < own.length; i++) {
      const { from, place, isRounded } = own[i] as (typeof own)[number];
      const value = scalars[from] as number;
      into[place] = isRounded ? Math.fround(value) : value;
    }
    this.proceed(into, 0);
  }

  /** Writes what follows once the sums of a level are in their places. */
  proceed(into: Float64Array, level: number): void {
    const instructions = this.#levels[level];
    if (instructions !== undefined) compute(instructions, into, this.#isFloat32);
  }
}

/** One switch instead of a function for each operation: numbers that functions return can be allocated. */
function compute(instructions: readonly Instruction[], into: Float64Array, isFloat32: boolean): void {
  for (const { kind, to, a, b, c } of instructions) {
    const x = into[a] as number;
    const y = into[b] as number;
    let value: number;
    switch (kind) {
      case 'add':
        value = x + y;
        break;
      case 'sub':
        value = x - y;
        break;
      case 'mul':
      case 'scale':
        value = x * y;
        break;
      case 'div':
        value = x / y;
        break;
      case 'min':
        value = Math.min(x, y);
        break;
      case 'max':
        value = Math.max(x, y);
        break;
      case 'neg':
        value = -x;
        break;
      case 'abs':
        value = Math.abs(x);
        break;
      case 'sqrt':
        value = Math.sqrt(x);
        break;
      case 'sign':
        value = Math.sign(x);
        break;
      case 'select':
        value = x > 0 ? y : (into[c] as number);
        break;
      default:
        value = x ** y;
    }
    into[to] = isFloat32 ? Math.fround(value) : value;
  }
}
