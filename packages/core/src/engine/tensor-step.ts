import { sizeOf } from './size.ts';
import type { DType, Measure, Program, Step } from '../contract.ts';
import { roundingOf } from './numbers.ts';
import { pairwiseSum } from './pairwise.ts';
import type { StepDefinition } from './step-definition.ts';
import { type TensorEngine, type Value } from './tensor-engine.ts';
import { Made, mixedOps } from './tensor-ops.ts';
import { type Inputs, TensorPlan } from './tensor-plan.ts';
import type { TensorState } from './tensor-state.ts';
import { isExactScalar } from './trace.ts';

/** What a session holds. */
export interface TensorContext<T extends object> {
  readonly engine: TensorEngine<T>;
  readonly program: Program;
  readonly definition: StepDefinition;
  readonly state: TensorState<T>;
  /** By kernel key. */
  readonly plans: Map<string, TensorPlan>;
}

/** One variable in a step. */
interface Job<T extends object> {
  readonly index: number;
  readonly plan: TensorPlan;
  readonly gradient: T | null;
  readonly inputs: Inputs<Value<T>>;
  readonly values: Value<T>[];
}

/** A new tensor, not in its place yet. */
interface Change<T> {
  readonly name: string;
  readonly index: number;
  readonly tensor: T;
}

/** One step. All is computed before anything is put in its place. */
export class TensorStep<T extends object> {
  readonly #context: TensorContext<T>;
  readonly #step: Step;
  readonly #made: Made<T>;
  readonly #scalars = new Map<string, Record<string, Value<T>>>();

  constructor(context: TensorContext<T>, step: Step) {
    this.#context = context;
    this.#step = step;
    this.#made = new Made(context.engine);
    context.definition.scalars.fill(step);
  }

  /** Returns whether the step was taken. */
  take(gradients: readonly T[], indices: readonly number[]): boolean {
    try {
      return this.#take(gradients, indices);
    } finally {
      this.#made.freeAll();
    }
  }

  #take(all: readonly T[], indices: readonly number[]): boolean {
    const { engine, program, state } = this.#context;
    const gradients =
      engine.borrow?.(
        all,
        indices.map((index) => program.variables[index]!),
      ) ?? all;
    const given = gradients
      .map((gradient, j) => ({ gradient, index: indices[j]! }))
      .filter(({ index }) => this.#hasElements(index));
    if (program.finiteCheck && !given.every(({ gradient }) => engine.isFinite(gradient))) return false;
    const jobs = given.map(({ gradient, index }) => this.#job(index, gradient));
    const norms = this.#clipGlobally(jobs, indices);
    for (const { plan, inputs, values } of jobs) {
      plan.compute('rest', inputs, values);
      norms.push(...plan.norms.map((place) => values[place]!));
    }
    if (program.finiteCheck && !norms.every((norm) => this.#isFinite(norm))) return false;
    const missing = this.#missing(indices);
    for (const { plan, inputs, values } of missing) plan.compute('rest', inputs, values);
    const changes = [...jobs, ...missing].flatMap((job) => this.#changes(job));
    const figures = this.#figures(jobs);
    for (const { name, index, tensor } of changes) {
      this.#made.release(tensor);
      state.put(name, index, tensor);
    }
    for (const [kind, figure] of figures) {
      if (typeof figure === 'object') this.#made.release(figure);
      state.measure(kind, figure);
    }
    engine.settle?.(changes.map(({ tensor }) => tensor));
    return true;
  }

  #hasElements(index: number): boolean {
    return sizeOf(this.#context.program.variables[index]!.shape) > 0;
  }

  #job(index: number, gradient: T | null): Job<T> {
    const { engine, program, definition, state, plans } = this.#context;
    const situation = definition.situations.keyOf(this.#step, gradient !== null);
    const key = definition.kernelKey(index, situation);
    let plan = plans.get(key);
    if (plan === undefined) plans.set(key, (plan = new TensorPlan(definition, index, situation)));
    const { dtype, shape, group } = program.variables[index]!;
    const tensors: Record<string, T> = state.of(index);
    if (gradient !== null) tensors.gradient = gradient;
    const ops = mixedOps(engine, this.#made, dtype, shape);
    const scalars = this.#scalarsOf(group, dtype, definition.scalars.of[index]!);
    return { index, plan, gradient, values: [], inputs: { ops, tensors, scalars, free: this.#made.free } };
  }

  #scalarsOf(group: number, dtype: DType, numbers: Float64Array): Record<string, Value<T>> {
    const key = `${dtype} ${group}`;
    let scalars = this.#scalars.get(key);
    if (scalars === undefined) {
      const round = roundingOf(dtype);
      const { names } = this.#context.definition.scalars;
      const entries = names.map((name, i) => [name, isExactScalar(name) ? numbers[i]! : round(numbers[i]!)]);
      scalars = Object.fromEntries(entries) as Record<string, number>;
      this.#scalars.set(key, scalars);
    }
    return scalars;
  }

  /** The variables without a gradient, of which accumulators are reset and averages move on. */
  #missing(indices: readonly number[]): Job<T>[] {
    const given = new Set(indices);
    const all = this.#context.program.variables.map((_, index) => index);
    return all.filter((index) => !given.has(index) && this.#hasElements(index)).map((index) => this.#job(index, null));
  }

  /** Computes the clip factor of the global norm, where there is one. Returns the norms to check. */
  #clipGlobally(jobs: readonly Job<T>[], indices: readonly number[]): Value<T>[] {
    const { engine, program, definition } = this.#context;
    const situation = definition.situations.keyOf(this.#step, true);
    const counted = indices.filter((index) => definition.defineSquaredNorm(index, situation) !== null);
    if (counted.length === 0) return [];
    const byIndex = new Map(jobs.map((job) => [job.index, job]));
    // without elements it is 0, which counts for the order of the sum
    const squares = counted.map((index) => this.#squaredNorm(byIndex.get(index)));
    const isWide = counted.some((index) => program.variables[index]!.dtype === 'float64');
    const dtype = isWide ? 'float64' : 'float32';
    const index = counted[0]!;
    const scalars = this.#scalarsOf(program.variables[index]!.group, dtype, definition.scalars.of[index]!);
    const ops = mixedOps(engine, this.#made, dtype, []);
    const areNumbers = squares.every((each) => typeof each === 'number');
    const total = areNumbers
      ? pairwiseSum(squares as number[], roundingOf(dtype))
      : squares.reduce((a, b) => ops.add(a, b));
    const define = definition.defineClipFactor();
    const { results = [], norms = [] } = define<Value<T>>({ ...ops, sum: () => total }, { squares: total }, scalars);
    for (const { inputs } of jobs) (inputs.scalars as Record<string, Value<T>>).clipFactor = results[0]!;
    return [...squares, ...norms];
  }

  #squaredNorm(job: Job<T> | undefined): Value<T> {
    if (job === undefined) return 0;
    const { plan, inputs, values } = job;
    plan.compute('norm', inputs, values);
    return values[plan.squaredNorm]!;
  }

  #isFinite(norm: Value<T>): boolean {
    return typeof norm === 'number' ? Number.isFinite(norm) : this.#context.engine.isFinite(norm);
  }

  /** New tensors of the variable's own: none that the caller or another place holds. */
  #changes({ index, plan, values }: Job<T>): Change<T>[] {
    const taken = new Set<Value<T>>();
    return plan.assignments.map(({ name, place }) => {
      const value = values[place]!;
      const isOwn = typeof value === 'object' && this.#made.has(value) && !taken.has(value);
      const tensor = isOwn ? value : this.#copy(value, index);
      taken.add(tensor);
      return { name, index, tensor };
    });
  }

  /** Of one number, as many as the variable has elements. */
  #copy(value: Value<T>, index: number): T {
    const { engine, program } = this.#context;
    const { shape, dtype } = program.variables[index]!;
    return this.#made.add(typeof value === 'number' ? engine.fill(shape, value, dtype) : engine.ops.mul(value, 1));
  }

  #figures(jobs: readonly Job<T>[]): [Measure, Value<T>][] {
    const { engine, program } = this.#context;
    const { phase, ordinary } = this.#step;
    if (phase !== 'update' || !ordinary) return [];
    return [...program.measure].map((kind) => {
      let total: Value<T> = 0;
      const ops = mixedOps(engine, this.#made, 'float64', []);
      for (const job of jobs) {
        for (const { measure, value, minus } of job.plan.observations) {
          if (measure === kind) total = ops.add(total, this.#squares(job, value, minus));
        }
      }
      return [kind, total];
    });
  }

  #squares({ index, inputs: { ops }, values }: Job<T>, place: number, minus: number | null): Value<T> {
    const { engine } = this.#context;
    const tensorAt = (at: number): T => {
      const value = values[at]!;
      return typeof value === 'number' ? this.#copy(value, index) : value;
    };
    if (engine.sumOfSquares) return engine.sumOfSquares(tensorAt(place), minus === null ? null : tensorAt(minus));
    const difference = minus === null ? values[place]! : ops.sub(values[place]!, values[minus]!);
    return ops.sum(ops.mul(difference, difference));
  }
}
