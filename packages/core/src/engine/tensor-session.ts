import type { Entry, FloatArray, Measured, Program, ProgramVariable, Session, Step, WriteEntry } from '../contract.ts';
import { SgdError } from '../errors.ts';
import type { KernelOutputs, Observation } from './kernel.ts';
import { roundingOf } from './numbers.ts';
import { plainSession } from './plain-session.ts';
import { StepDefinition } from './step-definition.ts';
import { StepOperations, type TensorEngine, type TensorOrNumber } from './tensor-operations.ts';

/** What a step does to one variable. */
interface Job<T> {
  readonly index: number;
  readonly situation: number;
  readonly operations: StepOperations<T>;
  readonly tensors: Readonly<Record<string, T>>;
  readonly scalars: Record<string, TensorOrNumber<T>>;
}

/**
 * A session of an engine that is nothing but operations on tensors: every optimizer, and every option, whose features the engine declares.
 * Each step replaces the handles of variables. Tensors that a step made are freed when they are replaced; those that were given never are.
 *
 * @param program - of `Backend.open`
 * @param variables - of `Backend.open`; borrowed
 * @param engine - what the engine can do
 */
export function openTensors<T>(
  program: Program,
  variables: readonly T[],
  engine: TensorEngine<T>,
): Session<T, T, 'sync'> {
  const handles = [...variables];
  return plainSession(handles, new TensorSession(program, handles, engine));
}

class TensorSession<T> implements Required<Omit<Session<T, T, 'sync'>, 'variables'>> {
  readonly #program: Program;
  readonly #definition: StepDefinition;
  readonly #engine: TensorEngine<T>;
  /** Of the variables, as the session shows them. */
  readonly #handles: T[];
  /** By variable: its tensors by name. */
  readonly #tensors: Record<string, T>[];
  /** What is ours to free. */
  readonly #own = new Set<T>();
  #measured: Measured = {};

  constructor(program: Program, handles: T[], engine: TensorEngine<T>) {
    this.#program = program;
    this.#definition = new StepDefinition(program);
    this.#engine = engine;
    this.#handles = handles;
    this.#tensors = program.variables.map((variable, index) => {
      const operations = new StepOperations(engine, variable);
      const tensors = this.#definition
        .tensorsOf(index)
        .map(({ name, initial = 0 }) => [name, name === 'variable' ? handles[index]! : operations.fill(initial)]);
      for (const tensor of operations.made) this.#own.add(tensor);
      return Object.fromEntries(tensors) as Record<string, T>;
    });
  }

  step(step: Step, gradients: readonly T[], indices: readonly number[]): boolean {
    const { scalars, situations } = this.#definition;
    const given = this.#engine.take?.(gradients) ?? gradients;
    scalars.fill(step);
    const situation = situations.keyOf(step, true);
    const jobs = indices.map((index, j) => this.#job(index, situation, given[j]));
    try {
      return this.#take(step, jobs, given);
    } finally {
      for (const { operations } of jobs) this.#free(operations.made);
    }
  }

  #take(step: Step, jobs: readonly Job<T>[], gradients: readonly T[]): boolean {
    const { finiteCheck } = this.#program;
    if (finiteCheck && !jobs.every(({ index }, j) => this.#size(index) === 0 || this.#isFinite(gradients[j]!)))
      return false;
    const given = jobs.filter(({ index }) => this.#size(index) > 0);
    const norms = [...this.#clipGlobally(given)];
    const missing = this.#missing(step, jobs);
    try {
      const all = [...given, ...missing].map((job) => ({ job, outputs: this.#compute(job) }));
      for (const { outputs } of all) norms.push(...(outputs.norms ?? []));
      if (finiteCheck && !norms.every((norm) => this.#isFinite(norm))) return false;
      const measured = this.#measure(all);
      const stored = all.flatMap(({ job, outputs }) => this.#store(job, outputs));
      this.#engine.finish?.(stored);
      if (step.phase === 'update' && step.ordinary) this.#measured = measured;
    } finally {
      for (const { operations } of missing) this.#free(operations.made);
    }
    for (const { index } of given) this.#constrain(index);
    return true;
  }

  #job(index: number, situation: number, gradient?: T): Job<T> {
    const variable = this.#program.variables[index]!;
    const { names, of } = this.#definition.scalars;
    const round = roundingOf(variable.dtype);
    const scalars = Object.fromEntries(names.map((name, i) => [name, round(of[index]![i]!)]));
    const tensors = gradient === undefined ? this.#tensors[index]! : { ...this.#tensors[index]!, gradient };
    return { index, situation, operations: new StepOperations(this.#engine, variable), tensors, scalars };
  }

  /** Computes what the norm over all makes of the gradients. Returns what must be finite. */
  #clipGlobally(jobs: readonly Job<T>[]): readonly TensorOrNumber<T>[] {
    const counted = jobs.flatMap((job) => {
      const define = this.#definition.defineSquaredNorm(job.index, job.situation);
      if (define === null) return [];
      const { results } = define<TensorOrNumber<T>>(job.operations, job.tensors, job.scalars);
      return [{ job, squares: results![0]! }];
    });
    if (counted.length === 0) return [];
    const isWide = ({ job }: { job: Job<T> }): boolean => this.#program.variables[job.index]!.dtype === 'float64';
    const { operations, scalars } = (counted.find(isWide) ?? counted[0]!).job;
    const sum = (): TensorOrNumber<T> => operations.total(counted.map(({ squares }) => squares));
    const summing = Object.assign(Object.create(operations) as StepOperations<T>, { sum });
    const define = this.#definition.defineClipFactor();
    const { results = [], norms = [] } = define<TensorOrNumber<T>>(summing, { squares: 0 }, scalars);
    for (const job of jobs) job.scalars.clipFactor = results[0]!;
    return norms;
  }

  #compute({ index, situation, operations, tensors, scalars }: Job<T>): KernelOutputs<TensorOrNumber<T>> {
    return this.#definition.defineUpdate(index, situation)<TensorOrNumber<T>>(operations, tensors, scalars);
  }

  /** Puts new values in their places. One that has a place already, or is the caller's, is copied. */
  #store({ index, operations, tensors }: Job<T>, { assignments }: KernelOutputs<TensorOrNumber<T>>): T[] {
    const entries = Object.entries(assignments).filter(([name, value]) => value !== tensors[name]);
    const taken = new Set<T>(Object.values(tensors));
    const values = entries.map(([name, value]): [string, T] => {
      const tensor =
        typeof value === 'number' ? operations.fill(value) : taken.has(value) ? operations.copy(value) : value;
      taken.add(tensor);
      return [name, tensor];
    });
    for (const [name, tensor] of values) {
      operations.made.delete(tensor);
      this.#put(index, name, tensor);
    }
    return values.map(([, tensor]) => tensor);
  }

  /** Variables without a gradient: accumulators are reset, averages move on. */
  #missing(step: Step, jobs: readonly Job<T>[]): Job<T>[] {
    const given = new Set(jobs.map(({ index }) => index));
    const situation = this.#definition.situations.keyOf(step, false);
    const rest = [...this.#tensors.keys()].filter((index) => !given.has(index) && this.#size(index) > 0);
    return rest.map((index) => this.#job(index, situation));
  }

  averages(action: 'assign' | 'swap'): void {
    this.#tensors.forEach((tensors, index) => {
      const { variable, average } = tensors;
      if (average === undefined || this.#size(index) === 0) return;
      const operations = new StepOperations(this.#engine, this.#program.variables[index]!);
      const copies = [operations.copy(average), action === 'swap' ? operations.copy(variable!) : null] as const;
      this.#put(index, 'variable', copies[0]);
      if (copies[1] !== null) this.#put(index, 'average', copies[1]);
    });
  }

  // each is read before the promise is returned
  read(entries: readonly Entry[]): Promise<FloatArray[]> {
    const all = entries.map((entry) => this.#find(entry)).map((tensor) => Promise.resolve(this.#engine.read(tensor)));
    return Promise.all(all);
  }

  async write(entries: readonly WriteEntry[]): Promise<void> {
    for (const entry of entries) this.#find(entry, entry.values.length);
    const tensors = entries.map(({ values, index }) =>
      this.#engine.tensor(values, this.#program.variables[index]!.shape),
    );
    tensors.forEach((tensor, j) => this.#put(entries[j]!.index, entries[j]!.slot, tensor));
  }

  async measured(): Promise<Measured> {
    return { ...this.#measured };
  }

  dispose(): void {
    const handles = new Set(this.#handles);
    this.#free(new Set([...this.#own].filter((tensor) => !handles.has(tensor))));
    this.#own.clear();
    this.#tensors.length = 0;
  }

  #size(index: number): number {
    return this.#program.variables[index]!.shape.reduce((product, n) => product * n, 1);
  }

  #isFinite(value: TensorOrNumber<T>): boolean {
    return typeof value === 'number' ? Number.isFinite(value) : this.#engine.isFinite!(value);
  }

  #put(index: number, name: string, tensor: T): void {
    const tensors = this.#tensors[index]!;
    const old = tensors[name]!;
    tensors[name] = tensor;
    if (name === 'variable') this.#handles[index] = tensor;
    this.#own.add(tensor);
    if (this.#own.delete(old)) this.#engine.free?.(old);
  }

  #free(tensors: Iterable<T>): void {
    if (this.#engine.free !== undefined) for (const tensor of tensors) this.#engine.free(tensor);
  }

  #find({ slot, index }: Entry, length?: number): T {
    const found = Object.hasOwn(this.#tensors[index] ?? {}, slot) ? this.#tensors[index]![slot] : undefined;
    const size = found === undefined ? undefined : this.#size(index);
    if (found !== undefined && size === (length ?? size)) return found;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${size}, got ${length}`);
  }

  #constrain(index: number): void {
    const { constraint, overwrites, shape } = this.#program.variables[index] as ProgramVariable;
    if (constraint === null || overwrites) return;
    const values = this.#engine.read(this.#tensors[index]!.variable!) as FloatArray;
    constraint(values, shape);
    this.#put(index, 'variable', this.#engine.tensor(values, shape));
  }

  /** The norms that the program asks for, in float64. */
  #measure(all: readonly { readonly job: Job<T>; readonly outputs: KernelOutputs<TensorOrNumber<T>> }[]): Measured {
    const measured: Measured = {};
    for (const measure of this.#program.measure) {
      const squares = all.flatMap(({ job, outputs: { observations = [] } }) =>
        observations.filter((each) => each.measure === measure).map((each) => this.#squares(job, each)),
      );
      measured[measure === 'gradient-norm' ? 'gradientNorm' : 'updateNorm'] = Math.sqrt(
        squares.reduce((sum, each) => sum + each, 0),
      );
    }
    return measured;
  }

  #squares({ operations }: Job<T>, { value, minus }: Observation<TensorOrNumber<T>>): number {
    const valuesOf = (of: TensorOrNumber<T>): FloatArray =>
      this.#engine.read(typeof of === 'number' ? operations.fill(of) : of) as FloatArray;
    const values = valuesOf(value);
    const others = minus === null ? null : valuesOf(minus);
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += (values[i]! - (others === null ? 0 : others[i]!)) ** 2;
    return sum;
  }
}
