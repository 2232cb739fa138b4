import type { DType, FloatArray, Program } from '@sgd/core';
import type { Kernel, StepDefinition } from '@sgd/core/engine';
import { CHUNK, newArray } from './blocks.ts';
import type { Engine } from './engine.ts';
import { HostPlan } from './host-plan.ts';

/** What blocks of a kind have in common: what is run on them, with which numbers. */
export class HostKind {
  readonly dtype: DType;
  /** The first variable of the kind. */
  readonly example: number;
  /** Of the step under way: with a gradient, and without one. */
  update: HostPlan | null = null;
  missing: HostPlan | null = null;
  squares: HostPlan | null = null;
  /** Room for what does not lie one behind the other where ONNX Runtime takes it. */
  readonly #rooms = new Map<string, FloatArray>();

  constructor(example: number, dtype: DType) {
    this.example = example;
    this.dtype = dtype;
  }

  /** An array as long as the longest piece, kept under a name. */
  room(name: string, dtype: DType = this.dtype): FloatArray {
    let room = this.#rooms.get(name);
    if (room === undefined) this.#rooms.set(name, (room = newArray(dtype, CHUNK)));
    return room;
  }
}

/** Whether a norm is over gradients of both types: its factor is in float64 then, for float32 gradients, too. */
export const isMixed = ({ clip, variables: [first, ...others] }: Program): boolean =>
  clip === 'global-norm' && others.some(({ dtype }) => dtype !== first!.dtype);

/** The kinds of blocks by name, and their models, which are loaded when a step first needs them. */
export class HostKinds {
  readonly all: ReadonlyMap<string, HostKind>;
  readonly #engine: Engine;
  readonly #program: Program;
  readonly #definition: StepDefinition;
  /** By situation and kind. */
  readonly #updates = new Map<number, ReadonlyMap<HostKind, HostPlan>>();
  readonly #squares = new Map<number, ReadonlyMap<HostKind, HostPlan>>();
  readonly #loaded: HostPlan[] = [];

  /** @param examples - by kind: its first variable */
  constructor(engine: Engine, program: Program, definition: StepDefinition, examples: ReadonlyMap<string, number>) {
    const { variables } = program;
    this.all = new Map([...examples].map(([kind, index]) => [kind, new HostKind(index, variables[index]!.dtype)]));
    this.#engine = engine;
    this.#program = program;
    this.#definition = definition;
  }

  /** Whether the models of a situation are there. */
  isLoaded(situation: number): boolean {
    return this.#updates.has(situation);
  }

  /** Loads the models of a situation, unless that was done. */
  async load(situation: number): Promise<void> {
    if (this.isLoaded(situation)) return;
    const definition = this.#definition;
    const squares = await this.#plans(situation, (index) => definition.squaredNorm(index, situation), new Map());
    const updates = await this.#plans(situation, (index) => definition.update(index, situation), squares);
    this.#squares.set(situation, squares);
    this.#updates.set(situation, updates);
  }

  /** Takes the plans of a step, and the numbers of those that look at gradients for the norm over all. */
  begin(situation: number, missing: number | null): void {
    for (const kind of this.all.values()) {
      kind.update = this.#updates.get(situation)!.get(kind)!;
      kind.squares = this.#squares.get(situation)!.get(kind) ?? null;
      kind.missing = missing === null ? null : this.#updates.get(missing)!.get(kind)!;
      kind.squares?.begin(this.#scalarsOf(kind));
    }
  }

  /** Takes the numbers of all other plans, once the factor of the norm over all is among them. */
  beginUpdates(): void {
    for (const kind of this.all.values()) {
      kind.update!.begin(this.#scalarsOf(kind));
      kind.missing?.begin(this.#scalarsOf(kind));
    }
  }

  #scalarsOf({ example }: HostKind): Float64Array {
    return this.#definition.scalars.of[example]!;
  }

  async dispose(): Promise<void> {
    for (const plan of this.#loaded.splice(0)) await plan.dispose();
  }

  /** @param others - kinds whose gradients these plans look at first */
  async #plans(
    situation: number,
    record: (index: number) => Kernel | null,
    others: ReadonlyMap<HostKind, HostPlan>,
  ): Promise<ReadonlyMap<HostKind, HostPlan>> {
    const plans = new Map<HostKind, HostPlan>();
    const looks = this.#program.finiteCheck && this.#definition.situations.isGiven(situation);
    for (const kind of this.all.values()) {
      const kernel = record(kind.example);
      if (kernel === null) continue;
      const plan = await HostPlan.load(kernel, {
        engine: this.#engine,
        dtype: kind.dtype,
        scalars: this.#definition.scalars.names,
        isMixed: isMixed(this.#program),
        countsBad: looks && !others.has(kind),
      });
      this.#loaded.push(plan);
      plans.set(kind, plan);
    }
    return plans;
  }
}
