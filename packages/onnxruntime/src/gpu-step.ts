import type { Measure, Measured, Step } from '@sgd/core';
import { sumOver } from './arena.ts';
import { BAD, observedName, sumName } from './figures.ts';
import { GlobalNorm } from './global-norm.ts';
import type { GivenTo, GpuKind, GpuSettings } from './gpu-kind.ts';
import type { GpuPass, GpuPlan } from './gpu-plan.ts';
import type { OrtTensors } from './ort.ts';

/** The variables of a kind in a step. */
interface Job {
  readonly kind: GpuKind;
  readonly plan: GpuPlan;
  /** Those that have a gradient, by their places in the kind. */
  readonly given: ReadonlySet<number>;
}

const rowsIn = (outputs: OrtTensors, name: string): Float32Array => outputs[name]!.data as Float32Array;

/** Steps over matrices on a GPU: what they compute stands beside what was there, until it takes its place. */
export class GpuSteps {
  readonly #settings: GpuSettings;
  readonly #kinds: readonly GpuKind[];
  readonly #norm: GlobalNorm | null;
  readonly #places: readonly { readonly kind: GpuKind; readonly at: number }[];
  /** By group: the numbers of variables that do not decay, among others that do. */
  readonly #undecayed = new Map<Float64Array, Float64Array>();
  readonly #observed = new Map<Measure, number>();
  #measured: Measured = {};
  #jobs: readonly Job[] = [];

  constructor(
    settings: GpuSettings,
    kinds: readonly GpuKind[],
    places: readonly { readonly kind: GpuKind; readonly at: number }[],
  ) {
    const { program, definition, isNormInside } = settings;
    this.#settings = settings;
    this.#kinds = kinds;
    this.#places = places;
    this.#norm = definition.hasGlobalNorm && !isNormInside ? new GlobalNorm(program, definition) : null;
  }

  /** What the last updating step measured. */
  get measured(): Measured {
    return { ...this.#measured };
  }

  /** Computes a step beside what is there. Returns whether it is to be taken. */
  async compute(step: Step, indices: readonly number[]): Promise<boolean> {
    const { definition } = this.#settings;
    this.#observed.clear();
    this.#jobs = [];
    this.#jobs = await this.#plan(step, indices);
    definition.scalars.fill(step);
    if (this.#norm !== null && !(await this.#clipGlobally(this.#norm, step))) return false;
    for (const { kind, plan } of this.#jobs) plan.begin((variable) => this.#scalarsOf(kind.indices[variable]!));
    for (const job of this.#jobs) if (!(await this.#read(job))) return false;
    for (const job of this.#jobs) if (!(await this.#write(job))) return false;
    return true;
  }

  /** What was computed takes the place of what was there. */
  put({ phase }: Step): void {
    for (const { kind, plan } of this.#jobs) if (plan.write !== null) kind.flip(plan.write);
    this.#jobs = [];
    if (phase !== 'update') return;
    const { measure } = this.#settings.program;
    const norm = (of: Measure): number => Math.sqrt(this.#observed.get(of) ?? 0);
    if (measure.has('gradient-norm')) this.#measured.gradientNorm = norm('gradient-norm');
    if (measure.has('update-norm')) this.#measured.updateNorm = norm('update-norm');
  }

  async #plan(step: Step, indices: readonly number[]): Promise<Job[]> {
    const given = new Map(this.#kinds.map((kind) => [kind, new Set<number>()]));
    for (const index of indices) {
      const { kind, at } = this.#places[index]!;
      given.get(kind)!.add(at);
    }
    const jobs: Job[] = [];
    for (const [kind, own] of given) {
      const to: GivenTo = own.size === kind.indices.length ? 'all' : own.size === 0 ? 'none' : 'some';
      jobs.push({ kind, plan: await kind.plan(step, to), given: own });
    }
    return jobs;
  }

  /** The numbers of a step for a variable. One that does not decay, among others that do, decays by 0: all are in one graph. */
  #scalarsOf(index: number): Float64Array {
    const { definition, program } = this.#settings;
    const { names, of } = definition.scalars;
    const scalars = of[index]!;
    if (program.variables[index]!.decays) return scalars;
    let own = this.#undecayed.get(scalars);
    if (own === undefined) this.#undecayed.set(scalars, (own = scalars.slice()));
    own.set(scalars);
    own[names.indexOf('weightDecay')] = 0;
    return own;
  }

  async #run({ kind, given }: Job, plan: GpuPlan, pass: GpuPass): Promise<OrtTensors | null> {
    const outputs = await kind.run(plan, pass, (variable) => given.has(variable));
    if (outputs[BAD] === undefined) return outputs;
    const rows = rowsIn(outputs, BAD);
    for (const variable of given) if (sumOver(kind.layout, variable, rows) !== 0) return null;
    return outputs;
  }

  /** Takes the norm over all gradients. Returns whether it lets the step be taken. */
  async #clipGlobally(norm: GlobalNorm, step: Step): Promise<boolean> {
    norm.clear();
    for (const job of this.#jobs) {
      const { kind, given } = job;
      const plan = await kind.squares(step);
      if (plan === null || given.size === 0) continue;
      plan.begin((variable) => this.#scalarsOf(kind.indices[variable]!));
      const outputs = await this.#run(job, plan, plan.reads[0]!);
      if (outputs === null) return false;
      const rows = rowsIn(outputs, sumName(0));
      for (const variable of given) norm.add(sumOver(kind.layout, variable, rows), kind.indices[variable]!);
    }
    return !norm.take() || !this.#settings.program.finiteCheck || norm.isFinite;
  }

  /** Runs the passes that only read. Returns whether the step may be taken. */
  async #read(job: Job): Promise<boolean> {
    const { kind, plan, given } = job;
    for (const [i, pass] of plan.reads.entries()) {
      const outputs = await this.#run(job, plan, pass);
      if (outputs === null) return false;
      for (const variable of given) {
        plan.settle(variable, i, (index) => sumOver(kind.layout, variable, rowsIn(outputs, sumName(index))));
      }
    }
    if (!this.#settings.program.finiteCheck) return true;
    return [...given].every((variable) => plan.isFinite(variable));
  }

  /** Computes new values. Returns whether the step may be taken. */
  async #write(job: Job): Promise<boolean> {
    const { kind, plan, given } = job;
    const outputs = plan.write === null ? {} : await this.#run(job, plan, plan.write);
    if (outputs === null) return false;
    plan.observed.forEach((measure, i) => {
      const rows = rowsIn(outputs, observedName(i));
      let sum = this.#observed.get(measure) ?? 0;
      for (const variable of given) sum += sumOver(kind.layout, variable, rows);
      this.#observed.set(measure, sum);
    });
    return true;
  }
}
