import { PAIRWISE_LEAF, type Pass } from '@sgd/core/engine';
import { PIECE_BYTES } from './wasm-layout.ts';
import {
  type Assumptions,
  ElementLoop,
  type Lanes,
  PASS_LOCALS,
  PASS_SIGNATURE,
  type PlacedKernel,
} from './wasm-loop.ts';
import { FunctionWriter, type Signature } from './wasm-function.ts';
import type { ModuleWriter } from './wasm-module.ts';
import { type FloatType, OP, SIMD } from './wasm-opcodes.ts';

// Sums in numpy's pairwise order: a range of more than 128 elements is halved, at a multiple of 8; up to 128 are taken by eight sums in
// turns, which are then added up in pairs, and what is left over after them.

/** Sums that take turns. */
const SUM_LANES = 8;

/** Adds the functions that take the sums of a pass; returns the number of the one to be called. It leaves the sums on the stack. */
export function addSums(module: ModuleWriter, placed: PlacedKernel, pass: Pass, feedPiece: number): number {
  const signature: Signature = { params: PASS_SIGNATURE.params, results: pass.sums.map(() => placed.type.valueType) };
  const whole = new FunctionWriter(signature);
  const { record, numbers, from, bytes } = PASS_LOCALS;
  const half = whole.local('i32');
  halve(whole, placed.type, half, PAIRWISE_LEAF * placed.type.size, 'larger half');
  new LeafWriter(whole, placed, pass, half).write();
  const sum = module.add(whole);

  // in ranges that are no larger than a piece, which the host may have to hand over
  const pieces = new FunctionWriter(signature);
  halve(pieces, placed.type, pieces.local('i32'), PIECE_BYTES, 'range');
  pieces.get(record).get(from).get(bytes).i32(2).call(feedPiece);
  pieces.get(record).get(numbers).get(from).get(bytes).call(sum);
  return module.add(pieces);
}

/** Sums the halves, and returns, if the range or its larger half has more bytes than that. */
function halve(code: FunctionWriter, type: FloatType, half: number, most: number, what: 'range' | 'larger half'): void {
  const { record, numbers, from, bytes } = PASS_LOCALS;
  const { results } = code.signature;
  const [left, right] = [results, results].map((types) => types.map((each) => code.local(each))) as [
    number[],
    number[],
  ];
  const takeResults = (into: readonly number[]): void => into.toReversed().forEach((local) => code.set(local));
  code
    .get(bytes)
    .i32(1)
    .op(OP.shiftRightUnsigned)
    .i32(-SUM_LANES * type.size)
    .op(OP.i32And)
    .set(half);
  code.get(bytes);
  if (what === 'larger half') code.get(half).op(OP.i32Sub);
  code.i32(most).op(OP.greaterUnsigned);
  code.if(() => {
    code.get(record).get(numbers).get(from).get(half).callSelf();
    takeResults(left);
    code.get(record).get(numbers);
    code.get(from).get(half).op(OP.i32Add).get(bytes).get(half).op(OP.i32Sub).callSelf();
    takeResults(right);
    left.forEach((local, j) => code.get(local).get(right[j]!).op(type.number.add));
    code.op(OP.return);
  });
}

/**
 * Sums a range of at most two leaves of 128 elements. Both are read in the order in which they lie, which memory is fast at, and a core adds
 * up the first while it is not done with the second.
 */
class LeafWriter {
  readonly #code: FunctionWriter;
  readonly #placed: PlacedKernel;
  readonly #pass: Pass;
  readonly #half: number;
  readonly #loop: ElementLoop;
  /** The eight sums of each leaf, by sum of the pass, in vectors. */
  readonly #lanes: readonly [number[][], number[][]];
  readonly #totals: readonly number[];
  /** What a turn goes over. */
  readonly #vectors: readonly number[];

  /** @param half - the local that has the bytes of the first half */
  constructor(code: FunctionWriter, placed: PlacedKernel, pass: Pass, half: number) {
    const { lanes, valueType } = placed.type;
    this.#code = code;
    this.#placed = placed;
    this.#pass = pass;
    this.#half = half;
    this.#vectors = Array.from({ length: SUM_LANES / lanes }, (_, v) => v);
    const locals = (): number[][] => pass.sums.map(() => this.#vectors.map(() => code.local('v128')));
    this.#lanes = [locals(), locals()];
    this.#totals = pass.sums.map(() => code.local(valueType));
    // a range of one leaf has no first half
    code
      .get(half)
      .i32(0)
      .get(PASS_LOCALS.bytes)
      .i32(PAIRWISE_LEAF * placed.type.size);
    code.op(OP.greaterUnsigned, OP.select).set(half);
    this.#loop = new ElementLoop(code, placed, pass);
  }

  /** Leaves the sums on the stack. */
  write(): void {
    this.#loop.writeVersions((assumed) => this.#sum(assumed));
    this.#totals.forEach((total) => this.#code.get(total));
  }

  #sum(assumed: Assumptions): void {
    const code = this.#code;
    const { type } = this.#placed;
    const loop = this.#loop;
    const { bytes } = PASS_LOCALS;
    const turnBytes = SUM_LANES * type.size;
    const end = code.local('i32');
    const addUp = (leaf: number[][]): void => {
      for (const v of this.#vectors) loop.compute(v, assumed);
      leaf.forEach((sums, j) => {
        sums.forEach((sum, v) => {
          code.get(sum);
          this.#pushSummed(j, v);
          code.simd(type.vector.add).set(sum);
        });
      });
    };
    code.countTo(loop.index, this.#half, turnBytes, () => addUp(this.#lanes[0]));
    code.get(bytes).i32(-turnBytes).op(OP.i32And).set(end);
    // the halves are cut at multiples of a turn, and so is what is left of the second one
    code.countTo(loop.index, end, turnBytes, () => addUp(this.#lanes[1]));
    const firsts = this.#pass.sums.map((_, j) => {
      const first = code.local(type.valueType);
      this.#addPairs(this.#lanes[0][j]!, this.#lanes[1][j]!);
      code.set(this.#totals[j]!).set(first);
      return first;
    });
    code.countTo(loop.index, bytes, type.size, () => {
      loop.compute('tail', assumed);
      this.#totals.forEach((total, j) => {
        code.get(total);
        this.#pushSummed(j, 'tail');
        code.simd(type.extractLane, 0).op(type.number.add).set(total);
      });
    });
    this.#totals.forEach((total, j) => code.get(firsts[j]!).get(total).op(type.number.add).set(total));
  }

  #pushSummed(j: number, lane: Lanes): void {
    this.#loop.push(this.#pass.sums[j]!.operands[0]!, lane);
  }

  /** Leaves on the stack the sum of the first leaf, then that of the second. */
  #addPairs(first: readonly number[], second: readonly number[]): void {
    const code = this.#code;
    const { type } = this.#placed;
    const sumOf = (push: () => void, lane: number): void => {
      push();
      code.simd(type.extractLane, lane);
      push();
      code.simd(type.extractLane, lane + 1).op(type.number.add);
    };
    const paired = code.local('v128');
    if (type.lanes === 4) {
      const other = code.local('v128');
      this.#pushPairs(first[0]!, first[1]!);
      code.set(paired);
      this.#pushPairs(second[0]!, second[1]!);
      code.set(other);
      this.#pushPairs(paired, other);
      code.set(paired);
      sumOf(() => code.get(paired), 0);
      sumOf(() => code.get(paired), 2);
      return;
    }
    for (const [a, b, c, d] of [first, second]) {
      const other = code.local('v128');
      this.#pushPairs(a!, b!);
      code.set(paired);
      this.#pushPairs(c!, d!);
      code.set(other);
      this.#pushPairs(paired, other);
      code.set(paired);
      sumOf(() => code.get(paired), 0);
    }
  }

  /** `a0 + a1, …, b0 + b1, …` */
  #pushPairs(a: number, b: number): void {
    const { lanes, vector, size } = this.#placed.type;
    const every = (parity: number): number[] =>
      Array.from({ length: lanes }, (_, i) => 2 * i + parity).flatMap((lane) =>
        Array.from({ length: size }, (_, byte) => size * lane + byte),
      );
    const code = this.#code;
    code
      .get(a)
      .get(b)
      .simd(SIMD.shuffle, ...every(0));
    code
      .get(a)
      .get(b)
      .simd(SIMD.shuffle, ...every(1))
      .simd(vector.add);
  }
}
