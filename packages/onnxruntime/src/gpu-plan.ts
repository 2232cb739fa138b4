import { type Kernel, NumberProgram } from '@sgd/core/engine';
import { column, type Layout } from './arena.ts';
import type { Engine } from './engine.ts';
import { GIVEN, type GpuKernels, readModel, writeModel } from './gpu-models.ts';
import { LoadedModel } from './loaded-model.ts';
import type { Ort, OrtTensor } from './ort.ts';
import { nextName, type NumberInput, type PassModel, passesOf } from './pass-model.ts';
import { LENGTHS } from './row-figures.ts';

/** A pass that is loaded. */
export interface GpuPass extends Omit<PassModel, 'bytes'> {
  readonly model: LoadedModel;
}

/** A kernel, and its numbers for each variable of a kind. */
class KernelNumbers {
  readonly kernel: Kernel;
  readonly program: NumberProgram;
  /** By variable of the kind. */
  readonly numbers: readonly Float64Array[];

  constructor(kernel: Kernel, scalars: readonly string[], variables: number) {
    this.kernel = kernel;
    this.program = new NumberProgram(kernel, 'float32', scalars);
    this.numbers = Array.from({ length: variables }, () => this.program.allocate());
  }
}

/** What a plan is made of. */
export interface GpuPlanSettings {
  readonly engine: Engine;
  readonly kernels: GpuKernels;
  readonly scalars: readonly string[];
  readonly layout: Layout;
}

/** What a step does to the variables of a kind, as models over matrices on a GPU, and the numbers between them. */
export class GpuPlan {
  /** The passes that only read, in their order. */
  readonly reads: readonly GpuPass[];
  readonly write: GpuPass | null;
  readonly #update: KernelNumbers | null;
  readonly #all: readonly KernelNumbers[];
  readonly #layout: Layout;
  readonly #ort: Ort;

  private constructor(passes: Pick<GpuPlan, 'reads' | 'write'>, { engine, kernels, scalars, layout }: GpuPlanSettings) {
    const make = (kernel: Kernel): KernelNumbers => new KernelNumbers(kernel, scalars, layout.sizes.length);
    const { update, missing, norm } = kernels;
    this.reads = passes.reads;
    this.write = passes.write;
    this.#update = update && make(update);
    const others = [missing, norm?.squares, norm?.factor].filter((kernel) => kernel !== null && kernel !== undefined);
    this.#all = [...(this.#update === null ? [] : [this.#update]), ...others.map(make)];
    this.#layout = layout;
    this.#ort = engine.ort;
  }

  /** Loads the models, or none of them. */
  static async load(settings: GpuPlanSettings): Promise<GpuPlan> {
    const { engine, kernels } = settings;
    const { update, countsBad } = kernels;
    const passes = update === null ? [] : passesOf(update, false).filter(({ sums }) => sums.length > 0);
    const models = passes.map((pass, i) => readModel(pass.sums, countsBad && i === 0));
    const last = writeModel(kernels, passes.length === 0);
    const loaded: GpuPass[] = [];
    try {
      for (const { bytes, ...model } of last === null ? models : [...models, last]) {
        loaded.push({ ...model, model: await LoadedModel.load(engine, bytes) });
      }
    } catch (error) {
      for (const { model } of loaded) await model.dispose();
      throw error;
    }
    return new GpuPlan({ reads: loaded.slice(0, models.length), write: loaded[models.length] ?? null }, settings);
  }

  /** Takes the numbers of a step, by variable of the kind. */
  begin(scalarsOf: (variable: number) => Float64Array): void {
    for (const { program, numbers } of this.#all) {
      for (let variable = 0; variable < numbers.length; variable++) {
        program.begin(numbers[variable]!, scalarsOf(variable));
      }
    }
  }

  /** Takes a sum of a pass over a variable, and, with the last of them, computes what follows. */
  settle(variable: number, pass: number, sumAt: (index: number) => number): void {
    const { kernel, program, numbers } = this.#update!;
    const own = numbers[variable]!;
    kernel.passes[pass]!.sums.forEach((sum, i) => {
      own[program.placeOf(sum)] = Math.fround(sumAt(i));
    });
    program.proceed(own, pass + 1);
  }

  /** Whether the norms of a variable are finite. */
  isFinite(variable: number): boolean {
    const { kernel, program, numbers } = this.#update!;
    return kernel.norms.every((norm) => Number.isFinite(numbers[variable]![program.placeOf(norm)]));
  }

  /** What the writing pass observes, in order. */
  get observed(): Kernel['observed'] {
    return this.#update?.kernel.observed ?? [];
  }

  /** Adds the inputs of a pass that are numbers. */
  feed({ numbers, columns }: GpuPass, isGiven: (variable: number) => boolean, feeds: Record<string, OrtTensor>): void {
    const tensor = (data: Float32Array): OrtTensor => new this.#ort.Tensor('float32', data, [data.length, 1]);
    for (const number of numbers) feeds[number.name] = tensor(this.#columnOf(number));
    if (columns.includes(LENGTHS)) feeds[LENGTHS] = tensor(this.#layout.lengths);
    if (columns.includes(GIVEN)) feeds[GIVEN] = tensor(column(this.#layout, (i) => (isGiven(i) ? 1 : 0)));
  }

  #columnOf({ value }: NumberInput): Float32Array {
    const { program, numbers } = this.#all.find(({ kernel }) => kernel.numbers.includes(value))!;
    const place = program.placeOf(value);
    return column(this.#layout, (variable) => numbers[variable]![place]!);
  }

  async dispose(): Promise<void> {
    for (const pass of [...this.reads, this.write]) await pass?.model.dispose();
  }
}

/** All outputs of a pass: figures are allocated. */
export const outputsOf = ({ stores, figures }: GpuPass): readonly string[] => [...stores.map(nextName), ...figures];
