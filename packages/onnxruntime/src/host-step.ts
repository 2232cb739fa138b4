import type { FloatArray, Measure, Measured, Program, Step } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import { type Block, type Piece, piecesOf } from './blocks.ts';
import { BAD, observedName, sumName } from './figures.ts';
import { GlobalNorm } from './global-norm.ts';
import type { HostKind, HostKinds } from './host-kinds.ts';
import type { HostPass, HostPlan } from './host-plan.ts';
import type { HostRuns, Run } from './host-runs.ts';
import type { Memory } from './memory.ts';
import type { OrtTensors } from './ort.ts';
import { nextName } from './pass-model.ts';

/** What a run made, to be put in its place. */
interface Made {
  readonly piece: Piece;
  readonly plan: HostPlan;
  readonly outputs: OrtTensors;
}

/** What steps need. */
export interface HostStepSettings {
  readonly program: Program;
  readonly definition: StepDefinition;
  readonly blocks: readonly Block[];
  readonly kinds: HostKinds;
  readonly runs: HostRuns;
}

const numberIn = (outputs: OrtTensors, name: string): number => (outputs[name]!.data as FloatArray)[0]!;

/** Steps over arrays on the host: first everything is computed, then it is put in place at once. */
export class HostSteps {
  readonly #settings: HostStepSettings;
  readonly #whole: readonly Piece[];
  readonly #norm: GlobalNorm | null;
  readonly #observed = new Map<Measure, number>();
  #measured: Measured = {};
  #made: Made[] = [];

  constructor(settings: HostStepSettings) {
    this.#settings = settings;
    this.#whole = piecesOf(settings.blocks, () => true);
    this.#norm = settings.definition.hasGlobalNorm ? new GlobalNorm(settings.program, settings.definition) : null;
  }

  /** What the last updating step measured. */
  get measured(): Measured {
    return { ...this.#measured };
  }

  /**
   * Computes a step, and changes nothing.
   *
   * @param gradients - by variable; none for those that have none
   * @param isWhole - whether all have one
   * @returns whether the step is to be taken
   */
  async compute(step: Step, gradients: readonly FloatArray[], isWhole: boolean): Promise<boolean> {
    const isTaken = await this.#compute(step, gradients, isWhole);
    if (!isTaken) this.#made = [];
    return isTaken;
  }

  async #compute(step: Step, gradients: readonly FloatArray[], isWhole: boolean): Promise<boolean> {
    const { definition, blocks, kinds } = this.#settings;
    const { situations, scalars } = definition;
    this.#made = [];
    this.#observed.clear();
    const situation = situations.keyOf(step, true);
    const missing = isWhole ? null : situations.keyOf(step, false);
    if (!kinds.isLoaded(situation)) await kinds.load(situation);
    if (missing !== null && !kinds.isLoaded(missing)) await kinds.load(missing);
    scalars.fill(step);
    kinds.begin(situation, missing);
    const pieces = isWhole ? this.#whole : piecesOf(blocks, (i) => gradients[i] !== undefined);
    if (this.#norm !== null && !(await this.#clipGlobally(this.#norm, pieces, gradients))) return false;
    kinds.beginUpdates();
    if (!(await this.#read(pieces, gradients))) return false;
    if (!(await this.#write(pieces, gradients, 'update'))) return false;
    if (missing === null) return true;
    return this.#write(
      piecesOf(blocks, (i) => gradients[i] === undefined),
      gradients,
      'missing',
    );
  }

  /** Puts in place what was computed. */
  put(step: Step, memory: Memory): void {
    for (const { piece, plan, outputs } of this.#made) {
      for (const name of plan.write?.stores ?? []) memory.put(piece, name, outputs[nextName(name)]!);
      for (const { tensor, place } of plan.fills) {
        for (const part of piece.parts) {
          memory.fill({ block: piece.block, parts: [part] }, tensor, plan.numbersOf(part.variable)[place]!);
        }
      }
    }
    this.#made = [];
    if (step.phase !== 'update' || !step.ordinary) return;
    const norm = (measure: Measure): number => Math.sqrt(this.#observed.get(measure) ?? 0);
    const { measure } = this.#settings.program;
    if (measure.has('gradient-norm')) this.#measured.gradientNorm = norm('gradient-norm');
    if (measure.has('update-norm')) this.#measured.updateNorm = norm('update-norm');
  }

  #kindOf({ block }: Piece): HostKind {
    return this.#settings.kinds.all.get(block.kind)!;
  }

  /** What came out of a run, or `null` where the gradient is not finite. */
  async #run(run: Run): Promise<OrtTensors | null> {
    const outputs = await this.#settings.runs.run(run);
    return outputs[BAD] !== undefined && numberIn(outputs, BAD) !== 0 ? null : outputs;
  }

  /** Takes the norm over all gradients. Returns whether it lets the step be taken. */
  async #clipGlobally(norm: GlobalNorm, pieces: readonly Piece[], gradients: readonly FloatArray[]): Promise<boolean> {
    norm.clear();
    for (const piece of pieces) {
      const kind = this.#kindOf(piece);
      const plan = kind.squares;
      if (plan === null) continue;
      // where sums are rounded one by one, they are taken one by one
      for (const parts of norm.isMixed ? piece.parts.map((part) => [part]) : [piece.parts]) {
        const run = { kind, plan, pass: plan.reads[0]!, piece: { block: piece.block, parts }, gradients };
        const outputs = await this.#run(run);
        if (outputs === null) return false;
        norm.add(numberIn(outputs, sumName(0)), parts[0]!.variable);
      }
    }
    return !norm.take() || !this.#settings.program.finiteCheck || norm.isFinite;
  }

  /** Runs the passes that only read. Returns whether the step may be taken. */
  async #read(pieces: readonly Piece[], gradients: readonly FloatArray[]): Promise<boolean> {
    const summing = pieces.filter((piece) => this.#kindOf(piece).update!.reads.length > 0);
    if (summing.length === 0) return true;
    const variables = new Map<number, HostPlan>();
    for (const piece of summing) {
      for (const { variable } of piece.parts) variables.set(variable, this.#kindOf(piece).update!);
    }
    const { scalars } = this.#settings.definition;
    for (const [variable, plan] of variables) plan.beginVariable(variable, scalars.of[variable]!);
    const count = Math.max(...[...variables.values()].map(({ reads }) => reads.length));
    for (let level = 0; level < count; level++) {
      const at = [...variables].filter(([, plan]) => level < plan.reads.length);
      for (const [variable, plan] of at) plan.clear(variable, level);
      for (const piece of summing) if (!(await this.#sum(piece, level, gradients))) return false;
      for (const [variable, plan] of at) plan.settle(variable, level);
    }
    if (!this.#settings.program.finiteCheck) return true;
    return [...variables].every(([variable, plan]) => plan.isFinite(variable));
  }

  /** Adds up the sums of one pass over a piece, by variable. */
  async #sum({ block, parts }: Piece, level: number, gradients: readonly FloatArray[]): Promise<boolean> {
    const kind = this.#kindOf({ block, parts });
    const plan = kind.update!;
    const pass = plan.reads[level];
    if (pass === undefined) return true;
    for (const part of parts) {
      const outputs = await this.#run({ kind, plan, pass, piece: { block, parts: [part] }, gradients });
      if (outputs === null) return false;
      plan.add(part.variable, level, (index) => numberIn(outputs, sumName(index)));
    }
    return true;
  }

  /** Computes new values. Returns whether the step may be taken. */
  async #write(
    pieces: readonly Piece[],
    gradients: readonly FloatArray[],
    which: 'update' | 'missing',
  ): Promise<boolean> {
    for (const piece of pieces) {
      const kind = this.#kindOf(piece);
      const plan = kind[which]!;
      const pass: HostPass | null = plan.write;
      const outputs = pass === null ? {} : await this.#run({ kind, plan, pass, piece, gradients });
      if (outputs === null) return false;
      plan.observed.forEach((measure, i) => {
        this.#observed.set(measure, (this.#observed.get(measure) ?? 0) + numberIn(outputs, observedName(i)));
      });
      this.#made.push({ piece, plan, outputs });
    }
    return true;
  }
}
