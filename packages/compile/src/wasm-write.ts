import type { Observation, Pass, TracedValue } from '@sgd/core/engine';
import { RECORD } from './wasm-layout.ts';
import { ElementLoop, type Lanes, PASS_LOCALS, PASS_SIGNATURE, type PlacedKernel } from './wasm-loop.ts';
import { FunctionWriter } from './wasm-module.ts';
import { OP, SIMD } from './wasm-opcodes.ts';
import { pushHighHalf } from './wasm-operations.ts';

/** Vectors that a turn computes: more gain nothing. */
const UNROLL: readonly Lanes[] = [0, 1];

/** The function of the pass that writes: two vectors a turn, then element by element. */
export function writingFunction(placed: PlacedKernel, pass: Pass): FunctionWriter {
  const code = new FunctionWriter(PASS_SIGNATURE);
  const loop = new ElementLoop(code, placed, pass);
  const figures = pass.observations.map((observation) => new Figure(code, loop, placed, observation));
  const end = code.local('i32');
  const turns = (multiplies: boolean): void => {
    const turn = (lanes: readonly Lanes[]): void => {
      loop.compute(lanes, multiplies);
      for (const lane of lanes) {
        for (const figure of figures) figure.add(lane);
      }
      // all are computed before any is stored: a tensor may become another one
      for (const lane of lanes) loop.store(lane);
    };
    const turnBytes = 16 * UNROLL.length;
    code.get(PASS_LOCALS.bytes).i32(-turnBytes).op(OP.i32And).set(end);
    code.countTo(loop.index, end, turnBytes, () => turn(UNROLL));
    code.countTo(loop.index, PASS_LOCALS.bytes, placed.type.size, () => turn(['tail']));
  };
  if (loop.hasDivisors) {
    loop.pushMultiplies();
    code.if(
      () => turns(true),
      () => turns(false),
    );
  } else turns(false);
  figures.forEach((figure, i) => figure.store(8 * i));
  return code;
}

/** `sum((value - minus)^2)` in float64: in one local for each pair of elements of a turn, so that additions need not wait for each other. */
class Figure {
  readonly #code: FunctionWriter;
  readonly #loop: ElementLoop;
  readonly #placed: PlacedKernel;
  readonly #observation: Observation<TracedValue>;
  /** By vector and half. */
  readonly #sums = new Map<string, number>();
  readonly #tail: number;
  readonly #vectorDifference: number;
  readonly #difference: number;

  constructor(code: FunctionWriter, loop: ElementLoop, placed: PlacedKernel, observation: Observation<TracedValue>) {
    this.#code = code;
    this.#loop = loop;
    this.#placed = placed;
    this.#observation = observation;
    this.#tail = code.local('f64');
    this.#vectorDifference = code.local('v128');
    this.#difference = code.local('f64');
  }

  add(lane: Lanes): void {
    if (lane === 'tail') return this.#addElement();
    this.#addPair(`${lane} low`, (value) => this.#loop.push(value, lane));
    if (this.#placed.type.size === 8) return;
    this.#addPair(`${lane} high`, (value) => pushHighHalf(this.#code, () => this.#loop.push(value, lane)));
  }

  /** Adds all sums to what is in memory. */
  store(offset: number): void {
    const code = this.#code;
    const address = (): FunctionWriter => code.get(PASS_LOCALS.record).memory(OP.i32Load, 4 * RECORD.observed);
    address();
    address().memory(OP.f64Load, offset).get(this.#tail).op(OP.f64Add);
    for (const sum of this.#sums.values()) {
      for (const half of [0, 1]) code.get(sum).simd(SIMD.f64x2Extract, half).op(OP.f64Add);
    }
    code.memory(OP.f64Store, offset);
  }

  #addPair(key: string, push: (value: TracedValue) => void): void {
    const { value, minus } = this.#observation;
    const code = this.#code;
    const isFloat32 = this.#placed.type.size === 4;
    const sum = this.#sums.get(key) ?? code.local('v128');
    this.#sums.set(key, sum);
    const pushWide = (part: TracedValue): void => {
      push(part);
      if (isFloat32) code.simd(SIMD.promoteLow);
    };
    pushWide(value);
    if (minus !== null) {
      pushWide(minus);
      code.simd(SIMD.f64x2Sub);
    }
    const difference = this.#vectorDifference;
    code.tee(difference).get(difference).simd(SIMD.f64x2Mul).get(sum).simd(SIMD.f64x2Add).set(sum);
  }

  #addElement(): void {
    const { value, minus } = this.#observation;
    const code = this.#code;
    const { size, extractLane } = this.#placed.type;
    const pushElement = (part: TracedValue): void => {
      this.#loop.push(part, 'tail');
      code.simd(extractLane, 0);
      if (size === 4) code.op(OP.promote);
    };
    pushElement(value);
    if (minus !== null) {
      pushElement(minus);
      code.op(OP.f64Sub);
    }
    const difference = this.#difference;
    code.tee(difference).get(difference).op(OP.f64Mul).get(this.#tail).op(OP.f64Add).set(this.#tail);
  }
}
