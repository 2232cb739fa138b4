import { ArrayKernel, Shader } from '@sgd/compile';
import {
  type Kernel,
  makeKernel,
  NumberProgram,
  type Observation,
  type StepDefinition,
  type TracedValue,
} from '@sgd/core/engine';
import type { Formula } from './formula.ts';
import { type Dialect, elementFormula, flawFormula, squaresFormula, sumFormula } from './formula-writer.ts';

/** A formula, and what it is run with. */
export interface Call {
  readonly formula: Formula;
  /** Values for each element: tensors, or what was made before. */
  readonly tensors: readonly TracedValue[];
  /** Sums, and the factor of the norm over all, on the device. */
  readonly singles: readonly TracedValue[];
  /** Where the numbers of the host stand; -1: NaN. */
  readonly places: readonly number[];
}

/** A sum, and how it is made. */
export interface SumCall {
  readonly value: TracedValue;
  readonly call: Call;
}

/** A kernel that makes one new tensor or, where kernels have two results, two. */
export interface MakingCall {
  readonly call: Call;
  readonly made: readonly TracedValue[];
}

/** What becomes of a tensor. */
export interface Assignment {
  readonly name: string;
  /** A constant, or what a call makes. */
  readonly value: TracedValue;
  /** The tensor that was given the same value before. */
  readonly copyOf: string | null;
}

/** How plans are made for a device. */
export interface PlanOptions {
  /** Whether sums, and what follows from them, are numbers of the host. */
  readonly onHost: boolean;
  /** Whether a kernel can have two results. */
  readonly makesTwo: boolean;
  /** The names of the numbers of a step, in order. */
  readonly scalars: readonly string[];
}

/** The scalars that never leave the device. */
const deviceScalars: ReadonlySet<string> = new Set(['clipFactor']);

/** What a traced kernel does, as calls of kernels of gpu.js. */
export class Plan {
  readonly kernel: Kernel;
  readonly numbers: NumberProgram;
  /** On the host: takes sums and observations, where there are any. */
  readonly onHost: ArrayKernel | null;
  /** On a device: sums, in the order in which they need each other. */
  readonly sums: readonly SumCall[] = [];
  /** On a device: 0 where a norm is finite. */
  readonly flaws: readonly Call[] = [];
  /** On a device: sums of squares that are measured. */
  readonly squares: readonly Call[] = [];
  /** On a device: the results of the kernel. */
  readonly results: readonly Call[] = [];
  /** What makes new tensors, operands first: later calls take what earlier ones made. */
  readonly making: readonly MakingCall[];
  /** In the order in which tensors are replaced. */
  readonly assignments: readonly Assignment[];
  readonly #dialect: Dialect;

  constructor(kernel: Kernel, { onHost, makesTwo, scalars }: PlanOptions) {
    this.kernel = kernel;
    this.onHost = onHost ? new ArrayKernel(withoutStores(kernel), 'float32', { jitless: false, scalars }) : null;
    this.numbers = this.onHost?.program ?? new NumberProgram(kernel, 'float32', scalars);
    this.#dialect = onHost ? 'exact' : 'gpu';
    const nameOf = (tensor: number): string => kernel.tensors[tensor]!;
    const stores = kernel.passes.flatMap((pass) => pass.stores);
    this.assignments = stores.map(({ tensor, value }, i) => {
      const first = stores.findIndex((store) => store.value === value);
      return { name: nameOf(tensor), value, copyOf: first === i ? null : nameOf(stores[first]!.tensor) };
    });
    const known = new Set<TracedValue>();
    this.making = grouped(distinct(stores.map(({ value }) => value)), makesTwo ? 2 : 1).map((made) => {
      const call = this.#call(elementFormula, made, known);
      for (const value of made) if (value.isWide) known.add(value);
      return { call, made };
    });
    if (onHost) return;
    const sums = kernel.passes.flatMap((pass) => pass.sums);
    this.sums = sums.map((value) => ({ value, call: this.#call(sumFormula, value.operands) }));
    this.flaws = kernel.norms.map((norm) => this.#call(flawFormula, [norm]));
    this.results = kernel.results.map((result) => this.#call(elementFormula, [result]));
    this.squares = observationsOf(kernel).map(({ value, minus }) =>
      this.#call(squaresFormula, minus === null ? [value] : [value, minus], known),
    );
  }

  #call(
    write: (shader: Shader, dialect: Dialect) => Formula,
    outputs: readonly TracedValue[],
    known?: ReadonlySet<TracedValue>,
  ): Call {
    const isExact = this.#dialect === 'exact';
    const shader = new Shader(outputs, isExact ? null : deviceScalars, known);
    const formula = write(shader, this.#dialect);
    const places = shader.hostNumbers.map((value) => this.numbers.placeOf(value));
    if (formula.numbers.length > places.length) places.push(-1);
    return { formula, tensors: shader.tensors, singles: shader.deviceNumbers, places };
  }
}

/** The kernel that takes sums and observes, but writes nothing. */
function withoutStores(kernel: Kernel): Kernel {
  const observing = makeKernel({ assignments: {}, observations: observationsOf(kernel) });
  const reading = kernel.passes.filter(({ sums }) => sums.length > 0);
  return { ...kernel, passes: [...reading, ...observing.passes.filter(({ sums }) => sums.length === 0)] };
}

const observationsOf = ({ passes }: Kernel): Observation<TracedValue>[] =>
  passes.flatMap(({ observations }) => observations);

/** What must be made, operands first. */
function distinct(values: readonly TracedValue[]): TracedValue[] {
  return [...new Set(values)].filter(({ kind }) => kind !== 'constant').sort((a, b) => a.id - b.id);
}

function grouped<T>(values: readonly T[], size: number): T[][] {
  const groups: T[][] = [];
  for (let i = 0; i < values.length; i += size) groups.push(values.slice(i, i + size));
  return groups;
}

/** The plan of a variable in a situation, and the numbers of the step under way. */
export interface BoundPlan {
  readonly plan: Plan;
  readonly numbers: Float64Array;
}

/** The plans of a program, made when they are first needed. */
export class Plans {
  readonly #definition: StepDefinition;
  readonly #options: PlanOptions;
  readonly #record: (index: number, situation: number) => Kernel | null;
  readonly #byVariable: (BoundPlan | null)[][] = [];
  readonly #byKey = new Map<string, Plan | null>();

  constructor(
    definition: StepDefinition,
    options: PlanOptions,
    record: (index: number, situation: number) => Kernel | null,
  ) {
    this.#definition = definition;
    this.#options = options;
    this.#record = record;
  }

  /** The plan with the numbers of this step; `null` where there is nothing to do. */
  begin(index: number, situation: number): BoundPlan | null {
    const row = (this.#byVariable[index] ??= []);
    let bound = row[situation];
    if (bound === undefined) {
      const plan = this.#planOf(index, situation);
      row[situation] = bound = plan && { plan, numbers: plan.numbers.allocate() };
    }
    bound?.plan.numbers.begin(bound.numbers, this.#definition.scalars.of[index]!);
    return bound;
  }

  #planOf(index: number, situation: number): Plan | null {
    const key = this.#definition.kernelKey(index, situation);
    let plan = this.#byKey.get(key);
    if (plan === undefined) {
      const kernel = this.#record(index, situation);
      plan = kernel === null || kernel.tensors.length === 0 ? null : new Plan(kernel, this.#options);
      this.#byKey.set(key, plan);
    }
    return plan;
  }
}
