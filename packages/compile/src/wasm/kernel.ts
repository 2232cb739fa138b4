import type { TracedValue } from '@sgd/core/engine';
import { ownNumbersAt, RECORD } from './layout.ts';
import { PASS_LOCALS, PASS_SIGNATURE, type PlacedKernel } from './loop.ts';
import { FunctionWriter } from './function.ts';
import type { ModuleWriter } from './module.ts';
import { OP } from './opcodes.ts';
import { pushNumber } from './operations.ts';
import { addSums } from './sum.ts';
import { writingFunction } from './write.ts';

/** What a reduction checks for non-finite values: nothing, the elements of the gradient, or the kernel's norms. */
export type FiniteCheck = 'none' | 'elements' | 'norms';

/** The functions of a module that kernels call. */
export interface KernelHelpers {
  /** By element size in bytes: checks all elements of a gradient. */
  readonly lookAt: Readonly<Record<4 | 8, number>>;
  /** Requests a chunk of a streamed gradient from the host. */
  readonly feedPiece: number;
}

/** Adds the function of the pass that writes; returns its place in the table, or 0 if the kernel writes nothing. */
export function addWriting(module: ModuleWriter, placed: PlacedKernel): number {
  const pass = placed.kernel.passes.find(({ sums }) => sums.length === 0);
  return pass === undefined ? 0 : module.slotOf(module.add(writingFunction(placed, pass)));
}

/** Adds the function that sums and checks; returns its place in the table, or 0 if there is nothing to sum or check. */
export function addReducing(
  module: ModuleWriter,
  placed: PlacedKernel,
  check: FiniteCheck,
  helpers: KernelHelpers,
): number {
  const { kernel, type } = placed;
  const reading = kernel.passes.filter(({ sums }) => sums.length > 0);
  if (reading.length === 0 && kernel.results.length === 0) {
    return check === 'none' ? 0 : module.slotOf(helpers.lookAt[type.size]);
  }
  const code = new FunctionWriter(PASS_SIGNATURE);
  const numbers = new OwnNumbers(code, placed);
  const pushRange = (): FunctionWriter =>
    code.get(PASS_LOCALS.record).get(PASS_LOCALS.numbers).get(PASS_LOCALS.from).get(PASS_LOCALS.bytes);
  if (check === 'elements') pushRange().call(helpers.lookAt[type.size]);
  for (const pass of reading) {
    pushRange().call(addSums(module, placed, pass, helpers.feedPiece));
    numbers.takeSums(pass.sums);
    const { level } = pass.sums[0]!;
    for (const value of kernel.numbers) if (value.level === level && value.kind !== 'sum') numbers.compute(value);
  }
  numbers.giveResults();
  if (check === 'norms') for (const norm of kernel.norms) numbers.check(norm);
  return module.slotOf(module.add(code));
}

/** Computes the numbers that follow from sums, and keeps them in the record. */
class OwnNumbers {
  readonly #code: FunctionWriter;
  readonly #placed: PlacedKernel;
  readonly #ownAt: number;

  constructor(code: FunctionWriter, placed: PlacedKernel) {
    this.#code = code;
    this.#placed = placed;
    this.#ownAt = ownNumbersAt(placed.tensors.length);
  }

  /** Takes sums from the stack, the last one first. */
  takeSums(sums: readonly TracedValue[]): void {
    const { valueType } = this.#placed.type;
    const locals = sums.map(() => this.#code.local(valueType));
    for (const local of locals.toReversed()) this.#code.set(local);
    sums.forEach((sum, j) => this.#keep(sum, () => this.#code.get(locals[j]!)));
  }

  compute(value: TracedValue): void {
    const { type, pow, layout } = this.#placed;
    const operands = value.operands.map((operand) => (): void => this.#push(operand));
    const factor = value.operands[1];
    const isWide = factor !== undefined && layout.isWide(factor);
    this.#keep(value, () => pushNumber(this.#code, type, pow, value.kind, operands, isWide));
  }

  /** Writes the results to where the host wants them. */
  giveResults(): void {
    const { kernel, type } = this.#placed;
    kernel.results.forEach((result, i) => {
      this.#code.get(PASS_LOCALS.record).memory(OP.i32Load, 4 * RECORD.results);
      this.#push(result);
      this.#code.memory(type.store, i * type.size);
    });
  }

  /** Remembers if a number is not finite: its difference to itself is not 0 then. */
  check(value: TracedValue): void {
    const { type } = this.#placed;
    this.#push(value);
    this.#push(value);
    this.#code.op(type.number.sub).float(type.constant, 0, type.size).op(type.notEqual);
    this.#code.op(OP.getGlobal, 0, OP.i32Or, OP.setGlobal, 0);
  }

  #push(value: TracedValue): void {
    const { layout, type } = this.#placed;
    const own = layout.ownOffset(value);
    if (own !== undefined) this.#code.get(PASS_LOCALS.record).memory(type.load, this.#ownAt + own);
    else {
      const load = layout.isWide(value) ? OP.f64Load : type.load;
      this.#code.get(PASS_LOCALS.numbers).memory(load, layout.sharedOffset(value));
    }
  }

  #keep(value: TracedValue, push: () => void): void {
    const { layout, type } = this.#placed;
    this.#code.get(PASS_LOCALS.record);
    push();
    this.#code.memory(type.store, this.#ownAt + layout.ownOffset(value)!);
  }
}
