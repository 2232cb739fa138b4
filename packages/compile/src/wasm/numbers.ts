import type { DType } from '@sgd/core';
import type { Kernel, NumberProgram, TracedValue } from '@sgd/core/engine';
import type { NumberLayout } from './layout.ts';

/** Views of all of a memory, at every time those of the memory as it is then. */
export interface MemoryViews {
  readonly words: Uint32Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
}

/** What {@link StepNumbers} are made for. */
export interface NumberSettings {
  readonly kernel: Kernel;
  readonly dtype: DType;
  readonly program: NumberProgram;
  readonly layout: NumberLayout;
  /** The names of the numbers that a step has, in order. */
  readonly names: readonly string[];
}

/** A number that is copied to memory: to the place `to`, in elements of its type. */
interface Copied {
  readonly from: number;
  readonly to: number;
}

/**
 * The numbers of a kernel in memory, for variables of one group. Most are copied from those of the step as they are, which a step over few
 * elements would notice if it took longer.
 */
export class StepNumbers {
  /** How much memory they take. */
  readonly bytes: number;
  readonly #settings: NumberSettings;
  readonly #scalars: Float64Array;
  readonly #isFloat32: boolean;
  /** From the numbers of the step, in the kernel's type; in float64 for a kernel of float32. */
  readonly #copied: readonly Copied[];
  readonly #copiedWide: readonly Copied[];
  /** From those that the program computes; and their inverses. */
  readonly #computed: readonly Copied[];
  readonly #inverses: readonly Copied[];
  /** What the program works on, if it must run in each step. */
  readonly #numbers: Float64Array | null;
  /** The numbers of the step that those depend on, and what they were. */
  readonly #inputs: readonly number[];
  readonly #lastInputs: Float64Array;
  #address = 0;
  #isNew = true;

  /** @param scalars - the numbers of a step */
  constructor(settings: NumberSettings, scalars: Float64Array) {
    const { dtype, program, layout, names } = settings;
    const size = dtype === 'float32' ? 4 : 8;
    const shared = [...layout.shared];
    const copied = shared.filter(({ kind }) => kind === 'scalar');
    const computed = shared.filter(({ kind }) => kind !== 'scalar' && kind !== 'constant');
    const inverted = shared.filter((value) => layout.inverseOffset(value) !== undefined);
    const copy = (value: TracedValue): Copied => ({
      from: names.indexOf(value.name),
      to: layout.sharedOffset(value) / (layout.isWide(value) ? 8 : size),
    });
    this.bytes = layout.sharedBytes;
    this.#settings = settings;
    this.#scalars = scalars;
    this.#isFloat32 = dtype === 'float32';
    this.#copied = copied.filter((value) => !layout.isWide(value)).map(copy);
    this.#copiedWide = copied.filter((value) => layout.isWide(value)).map(copy);
    this.#computed = computed.map((value) => ({
      from: program.placeOf(value),
      to: layout.sharedOffset(value) / size,
    }));
    this.#inverses = inverted.map((value) => ({
      from: program.placeOf(value),
      to: layout.inverseOffset(value)! / size,
    }));
    this.#numbers = program.computes || inverted.length > 0 ? program.allocate() : null;
    this.#inputs = scalarsBeneath([...computed, ...inverted]).map(({ name }) => names.indexOf(name));
    this.#lastInputs = new Float64Array(this.#inputs.length).fill(NaN);
  }

  /** Lets them stand at an address, a multiple of 8, and writes the constants. */
  place(memory: MemoryViews, address: number): void {
    const { program, layout, dtype } = this.#settings;
    const size = dtype === 'float32' ? 4 : 8;
    const numbers = program.allocate();
    this.#address = address;
    this.#isNew = true;
    for (const value of layout.shared) {
      if (value.kind === 'constant')
        memory[dtype][(address + layout.sharedOffset(value)) / size] = numbers[program.placeOf(value)]!;
    }
  }

  /** Writes the numbers of the step under way. */
  begin(memory: MemoryViews): void {
    const target = this.#isFloat32 ? memory.float32 : memory.float64;
    const scalars = this.#scalars;
    // shifts: addresses of 2^31 and more are no small integers, and to divide those takes several times as long
    const first = this.#isFloat32 ? this.#address >>> 2 : this.#address >>> 3;
    const copied = this.#copied;
    for (let i = 0; i < copied.length; i++) {
      const { from, to } = copied[i]!;
      target[first + to] = scalars[from]!;
    }
    const wide = this.#copiedWide;
    for (let i = 0; i < wide.length; i++) {
      const { from, to } = wide[i]!;
      memory.float64[(this.#address >>> 3) + to] = scalars[from]!;
    }
    if (this.#numbers !== null && this.#haveInputsChanged()) this.#compute(target, first, this.#numbers);
  }

  /** To compute takes longer than all else, and few of these numbers change from step to step. */
  #haveInputsChanged(): boolean {
    const inputs = this.#inputs;
    const last = this.#lastInputs;
    let haveChanged = this.#isNew;
    this.#isNew = false;
    for (let i = 0; i < inputs.length; i++) {
      const value = this.#scalars[inputs[i]!]!;
      if (Object.is(value, last[i])) continue;
      last[i] = value;
      haveChanged = true;
    }
    return haveChanged;
  }

  #compute(target: Float32Array | Float64Array, first: number, numbers: Float64Array): void {
    this.#settings.program.begin(numbers, this.#scalars);
    for (const { from, to } of this.#computed) target[first + to] = numbers[from]!;
    const lowestExponent = this.#isFloat32 ? 126 : 1022;
    for (const { from, to } of this.#inverses) target[first + to] = exactInverse(numbers[from]!, lowestExponent);
  }
}

/** The scalars that values are, or are computed from. */
function scalarsBeneath(values: readonly TracedValue[], found = new Set<TracedValue>()): TracedValue[] {
  for (const value of values) {
    if (value.kind === 'scalar') found.add(value);
    else scalarsBeneath(value.operands, found);
  }
  return [...found];
}

const bits = new DataView(new ArrayBuffer(8));

/** The inverse of a positive power of two, where both have full precision; else 0. */
function exactInverse(value: number, lowestExponent: number): number {
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  if ((high & 0xfffff) !== 0 || bits.getUint32(4) !== 0) return 0;
  const exponent = (high >>> 20) - 1023;
  return exponent >= -lowestExponent && exponent <= lowestExponent ? 1 / value : 0;
}
