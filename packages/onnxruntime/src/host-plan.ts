import type { DType, FloatArray } from '@sgd/core';
import { type Kernel, NumberProgram, type Pass, roundingOf, type TracedValue } from '@sgd/core/engine';
import { newArray } from './blocks.ts';
import type { Engine } from './engine.ts';
import { wholeFigures } from './figures.ts';
import { LoadedModel } from './loaded-model.ts';
import { DOUBLE, FLOAT } from './onnx.ts';
import type { OrtTensor } from './ort.ts';
import { nextName, PassDraft, type PassModel, passesOf, storesOf, type Target } from './pass-model.ts';

/** A number of a kernel as an input: filled anew in each step. */
export interface FedNumber {
  readonly name: string;
  readonly place: number;
  /** Whether it depends on a sum, and so on the variable. */
  readonly isOwn: boolean;
  readonly dtype: DType;
  readonly data: FloatArray;
  readonly tensor: OrtTensor;
}

/** A pass that is loaded. */
export interface HostPass {
  readonly tensors: readonly string[];
  readonly stores: readonly string[];
  readonly numbers: readonly FedNumber[];
  /** The numbers that depend on the variable. */
  readonly ownNumbers: readonly FedNumber[];
  /** All outputs, to be allocated. */
  readonly fetches: Readonly<Record<string, null>>;
  readonly model: LoadedModel;
}

/** What a plan is made of. */
export interface HostPlanSettings {
  readonly engine: Engine;
  readonly dtype: DType;
  /** The names of the step's numbers. */
  readonly scalars: readonly string[];
  readonly isMixed: boolean;
  /** Whether the first pass counts elements of the gradient that are not finite. */
  readonly countsBad: boolean;
}

const hostTarget = (dtype: DType, isMixed: boolean): Target => ({
  type: dtype === 'float64' ? DOUBLE : FLOAT,
  onGpu: false,
  array: ['n'],
  number: (name) => [name],
  figures: wholeFigures,
  isFactorWide: isMixed && dtype === 'float32',
});

/** A kernel as models over pieces of arrays on the host, and the numbers between them. */
export class HostPlan {
  /** The passes that only read, in their order. */
  readonly reads: readonly HostPass[];
  /** The pass that gives new values; `null` where there are none. */
  readonly write: HostPass | null;
  /** Tensors that become one number, and its place. */
  readonly fills: readonly { readonly tensor: string; readonly place: number }[];
  readonly #kernel: Kernel;
  readonly #program: NumberProgram;
  readonly #round: (value: number) => number;
  /** Of all variables, but for what depends on sums. */
  readonly #numbers: Float64Array;
  /** By variable, where there are sums. */
  readonly #own = new Map<number, Float64Array>();

  private constructor(kernel: Kernel, passes: readonly HostPass[], { dtype, scalars }: HostPlanSettings) {
    const { length } = kernel.passes.filter(({ sums }) => sums.length > 0);
    this.reads = passes.slice(0, length);
    this.write = passes[length] ?? null;
    this.#kernel = kernel;
    this.#program = new NumberProgram(kernel, dtype, scalars);
    this.#round = roundingOf(dtype);
    this.#numbers = this.#program.allocate();
    this.fills = kernel.passes.flatMap(({ stores }) =>
      stores
        .filter(({ value }) => !value.isWide)
        .map(({ tensor, value }) => ({ tensor: kernel.tensors[tensor]!, place: this.#program.placeOf(value) })),
    );
  }

  /** Loads the models of a kernel, or none of them. */
  static async load(kernel: Kernel, settings: HostPlanSettings): Promise<HostPlan> {
    const passes: HostPass[] = [];
    try {
      for (const [i, pass] of passesOf(kernel, settings.countsBad).entries()) {
        const model = hostModel(kernel, pass, { ...settings, countsBad: settings.countsBad && i === 0 });
        passes.push(await loadPass(kernel, model, settings.engine));
      }
    } catch (error) {
      for (const { model } of passes) await model.dispose();
      throw error;
    }
    return new HostPlan(kernel, passes, settings);
  }

  /** Takes the numbers of a step. */
  begin(scalars: Float64Array): void {
    this.#program.begin(this.#numbers, scalars);
    for (const pass of [...this.reads, this.write]) if (pass !== null) feed(pass.numbers, this.#numbers);
  }

  /** The numbers of a variable, which passes with sums add to. */
  numbersOf(variable: number): Float64Array {
    if (this.reads.length === 0) return this.#numbers;
    let own = this.#own.get(variable);
    if (own === undefined) this.#own.set(variable, (own = this.#program.allocate()));
    return own;
  }

  /** Takes the numbers of a step for a variable. */
  beginVariable(variable: number, scalars: Float64Array): void {
    if (this.reads.length > 0) this.#program.begin(this.numbersOf(variable), scalars);
  }

  /** The place of a number. */
  placeOf(value: TracedValue): number {
    return this.#program.placeOf(value);
  }

  /** Sets the sums of a pass to 0. */
  clear(variable: number, pass: number): void {
    const numbers = this.numbersOf(variable);
    for (const sum of this.#kernel.passes[pass]!.sums) numbers[this.placeOf(sum)] = 0;
  }

  /** Rounds the sums of a pass, and computes what follows from them. */
  settle(variable: number, pass: number): void {
    const numbers = this.numbersOf(variable);
    for (const sum of this.#kernel.passes[pass]!.sums) {
      const place = this.placeOf(sum);
      numbers[place] = this.#round(numbers[place]!);
    }
    this.#program.proceed(numbers, pass + 1);
  }

  /** Adds the sums over a piece. */
  add(variable: number, pass: number, sumAt: (index: number) => number): void {
    const numbers = this.numbersOf(variable);
    this.#kernel.passes[pass]!.sums.forEach((sum, i) => {
      numbers[this.placeOf(sum)]! += sumAt(i);
    });
  }

  /** Whether the norms of a variable are finite. */
  isFinite(variable: number): boolean {
    const numbers = this.numbersOf(variable);
    return this.#kernel.norms.every((norm) => Number.isFinite(numbers[this.placeOf(norm)]));
  }

  /** What the writing pass observes, in order. */
  get observed(): Kernel['observed'] {
    return this.#kernel.observed;
  }

  async dispose(): Promise<void> {
    for (const pass of [...this.reads, this.write]) await pass?.model.dispose();
  }
}

/** The model of one pass over a piece. */
export function hostModel(
  kernel: Kernel,
  pass: Pass,
  { dtype, isMixed, countsBad }: Pick<HostPlanSettings, 'dtype' | 'isMixed' | 'countsBad'>,
): PassModel {
  const draft = new PassDraft(hostTarget(dtype, isMixed));
  if (countsBad) draft.countBad();
  draft.sum(pass.sums);
  draft.store(storesOf(kernel, pass).filter(({ value }) => value.isWide));
  draft.observe(pass.observations);
  return draft.finish();
}

async function loadPass({ numbers: all }: Kernel, { bytes, ...model }: PassModel, engine: Engine): Promise<HostPass> {
  const numbers = model.numbers.map(({ name, value, isDouble }): FedNumber => {
    const dtype = isDouble ? 'float64' : 'float32';
    const data = newArray(dtype, 1);
    const tensor = new engine.ort.Tensor(dtype, data, [1]);
    return { name, place: all.indexOf(value), isOwn: value.level > 0, dtype, data, tensor };
  });
  const outputs = [...model.figures, ...model.stores.map(nextName)];
  return {
    tensors: model.tensors,
    stores: model.stores,
    numbers,
    ownNumbers: numbers.filter(({ isOwn }) => isOwn),
    fetches: Object.fromEntries(outputs.map((name) => [name, null])),
    model: await LoadedModel.load(engine, bytes),
  };
}

/** Puts numbers where ONNX Runtime takes them from. */
export function feed(numbers: readonly FedNumber[], values: Float64Array): void {
  for (let i = 0; i < numbers.length; i++) {
    const { data, place } = numbers[i]!;
    data[0] = values[place]!;
  }
}
