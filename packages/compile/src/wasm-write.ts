import type { Observation, Pass, TracedValue } from '@sgd/core/engine';
import { RECORD } from './wasm-layout.ts';
import { ElementLoop, type Lanes, PASS_LOCALS, PASS_SIGNATURE, type PlacedKernel } from './wasm-loop.ts';
import { FunctionWriter } from './wasm-function.ts';
import { OP, SIMD } from './wasm-opcodes.ts';
import { pushHighHalf } from './wasm-operations.ts';

/** Vectors of a turn; and values from which on half as many are no slower, in half the code. */
const UNROLL = 4;
const MANY_VALUES = 12;

/** The function of the pass that writes: several vectors a turn, then element by element. */
export function writingFunction(placed: PlacedKernel, pass: Pass): FunctionWriter {
  const code = new FunctionWriter(PASS_SIGNATURE);
  const loop = new ElementLoop(code, placed, pass);
  const figures = pass.observations.map((observation) => new Figure(code, loop, placed, observation));
  const end = code.local('i32');
  const vectors = pass.wide.length > MANY_VALUES ? UNROLL / 2 : UNROLL;
  loop.writeVersions((assumed) => {
    const write = (lane: Lanes): void => {
      loop.compute(lane, assumed);
      for (const figure of figures) figure.add(lane);
      // all are computed before any is stored: a tensor may become another one
      loop.store(lane);
    };
    code
      .get(PASS_LOCALS.bytes)
      .i32(-16 * vectors)
      .op(OP.i32And)
      .set(end);
    code.countTo(loop.index, end, 16 * vectors, () => {
      for (let vector = 0; vector < vectors; vector++) write(vector);
    });
    code.countTo(loop.index, PASS_LOCALS.bytes, placed.type.size, () => write('tail'));
  });
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
