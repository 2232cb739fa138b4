import type { Program } from '@sgd/core';
import type { StepDefinition, StepPhase } from '@sgd/core/engine';
import { type Arena, destroy, flip, type Layout, layOut, newArena, rangeOf } from './arena.ts';
import type { Engine } from './engine.ts';
import type { GpuDevice, Range } from './gpu.ts';
import type { GpuKernels } from './gpu-models.ts';
import { type GpuPass, GpuPlan, outputsOf } from './gpu-plan.ts';
import type { OrtTensor, OrtTensors } from './ort.ts';
import { nextName } from './pass-model.ts';
import { sizeOf } from './tensor.ts';

/** What the kinds of a session have in common. */
export interface GpuSettings {
  readonly engine: Engine;
  readonly program: Program;
  readonly definition: StepDefinition;
  /** Whether the norm over all is found within the model that updates, so that nothing waits for the device. */
  readonly isNormInside: boolean;
}

/** Which variables of a kind have a gradient in a step. */
export type GivenTo = 'all' | 'some' | 'none';

/** Variables for which the same is computed: all lie in one matrix, for each of their tensors. */
export class GpuKind {
  /** Of the variables. */
  readonly indices: readonly number[];
  readonly layout: Layout;
  readonly #settings: GpuSettings;
  readonly #plans = new Map<string, GpuPlan>();
  readonly #squares = new Map<number, GpuPlan | null>();
  /** By tensor. */
  readonly #arenas = new Map<string, Arena>();
  #gradients: Arena | null = null;

  constructor(settings: GpuSettings, indices: readonly number[]) {
    this.#settings = settings;
    this.indices = indices;
    this.layout = layOut(indices.map((index) => sizeOf(settings.program.variables[index]!.shape)));
  }

  /** Takes memory on a device: slots are filled with their first values. */
  allocate(device: GpuDevice): void {
    const { engine, definition } = this.#settings;
    this.#gradients = newArena(engine.ort, device, this.layout, { isWritten: false });
    for (const { name, initial = 0 } of definition.tensorsOf(this.indices[0]!)) {
      this.#arenas.set(name, newArena(engine.ort, device, this.layout, { initial, isWritten: true }));
    }
  }

  /** The memory of a tensor; `undefined` where variables have none of this name. */
  arena(name: string): Arena | undefined {
    return name === 'gradient' ? this.#gradients! : this.#arenas.get(name);
  }

  /** The bytes of a tensor of a variable of the kind. */
  range(name: string, variable: number): Range {
    return rangeOf(this.layout, this.arena(name)!.buffer, variable);
  }

  /** What a step does; the models are loaded when a step first needs them. */
  async plan(step: StepPhase, given: GivenTo): Promise<GpuPlan> {
    const { situations } = this.#settings.definition;
    const [situation, missing] = [situations.keyOf(step, true), situations.keyOf(step, false)];
    const key = `${situation} ${given}`;
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      const { definition, program, isNormInside } = this.#settings;
      const example = this.indices[0]!;
      const squares = given === 'none' ? null : definition.squaredNorm(example, situation);
      plan = await this.#load({
        update: given === 'none' ? null : definition.update(example, situation),
        missing: given === 'all' ? null : definition.update(example, missing),
        norm: squares !== null && isNormInside ? { squares, factor: definition.clipFactor() } : null,
        countsBad: given !== 'none' && program.finiteCheck && squares === null,
      });
      this.#plans.set(key, plan);
    }
    return plan;
  }

  /** What looks at gradients for the norm over all, where that is found outside; `null` where there is none. */
  async squares(step: StepPhase): Promise<GpuPlan | null> {
    const { definition, program, isNormInside } = this.#settings;
    const situation = definition.situations.keyOf(step, true);
    let plan = this.#squares.get(situation);
    if (plan === undefined) {
      const update = isNormInside ? null : definition.squaredNorm(this.indices[0]!, situation);
      const { finiteCheck: countsBad } = program;
      plan = update && (await this.#load({ update, missing: null, norm: null, countsBad }));
      this.#squares.set(situation, plan);
    }
    return plan;
  }

  #load(kernels: GpuKernels): Promise<GpuPlan> {
    const { engine, definition } = this.#settings;
    return GpuPlan.load({ engine, kernels, scalars: definition.scalars.names, layout: this.layout });
  }

  /** Runs a pass. New values stand in the other memory of their arenas. */
  run(plan: GpuPlan, pass: GpuPass, isGiven: (variable: number) => boolean): Promise<OrtTensors> {
    const feeds: Record<string, OrtTensor> = {};
    const fetches: Record<string, OrtTensor | null> = {};
    for (const name of pass.tensors) feeds[name] = this.arena(name)!.tensor;
    plan.feed(pass, isGiven, feeds);
    for (const name of outputsOf(pass)) fetches[name] = null;
    for (const name of pass.stores) fetches[nextName(name)] = this.arena(name)!.other!.tensor;
    return pass.model.run(feeds, fetches);
  }

  /** What a pass has written takes the place of what was there. */
  flip({ stores }: GpuPass): void {
    for (const name of stores) flip(this.arena(name)!);
  }

  /** The values of variables and their averages change places. */
  swapAverages(): void {
    const [variable, average] = [this.arena('variable')!, this.arena('average')!];
    const { buffer, tensor } = variable;
    Object.assign(variable, { buffer: average.buffer, tensor: average.tensor });
    Object.assign(average, { buffer, tensor });
  }

  /** Some model that is loaded, as bytes. */
  get anyModel(): Uint8Array | undefined {
    const passes = [...this.#plans.values()].flatMap(({ reads, write }) => [...reads, write]);
    return passes.find((pass) => pass !== null)?.model.bytes;
  }

  async dispose(): Promise<void> {
    for (const arena of [this.#gradients, ...this.#arenas.values()]) if (arena !== null) destroy(arena);
    const plans = [...this.#plans.values(), ...this.#squares.values()];
    this.#plans.clear();
    this.#squares.clear();
    for (const plan of plans) await plan?.dispose();
  }
}
