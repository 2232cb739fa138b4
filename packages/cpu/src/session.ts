import {
  type Entry,
  type FloatArray,
  type Measured,
  type Program,
  type Session,
  SgdError,
  type Step,
  type WriteEntry,
} from '@sgd/core';
import type { Memory } from './memory.ts';
import { Numbers } from './numbers.ts';
import { FINITE, GRADIENT, type Plan, UPDATE } from './plan.ts';
import { makePlans, slotOf, wantAttached } from './plans.ts';
import { reduce, run } from './run.ts';
import { arrayOf, type CpuGradient, type CpuVariable } from './tensor.ts';

/** The variables and slots of one optimizer. Its figures are in typed arrays: a field would allocate each number stored. */
export class CpuSession implements Session<CpuVariable, CpuGradient, 'sync'> {
  readonly variables: readonly CpuVariable[];
  readonly #program: Program;
  readonly #memory: Memory;
  readonly #numbers: Numbers;
  #plans: readonly Plan[] | null;
  /** Norms of the last updating step, negative before the first: of the gradient, of the update. */
  readonly #measured: Float64Array = new Float64Array([-1, -1]);
  readonly #idles: boolean;
  readonly #constrains: boolean;

  constructor(program: Program, variables: readonly CpuVariable[], memory: Memory) {
    this.variables = [...variables];
    this.#program = program;
    this.#memory = memory;
    this.#numbers = new Numbers(program);
    this.#plans = makePlans(program, variables, this.#numbers);
    this.#idles = program.slots.has('accumulator') || program.slots.has('average');
    this.#constrains = program.variables.some((v) => v.constraint);
    wantAttached(this.#plans, program);
  }

  step(step: Step, gradients: readonly CpuGradient[], indices: readonly number[]): boolean {
    const plans = this.#attached();
    const numbers = this.#numbers;
    const { w } = numbers;
    const { clip, finiteCheck, measure } = this.#program;
    const updates = step.phase === 'update';
    const reduces = updates && (clip === 'norm' || clip === 'global-norm');
    numbers.set(step);
    if ((finiteCheck || reduces) && !this.#look(plans, step, reduces, gradients, indices)) return false;
    w[GRADIENT] = w[UPDATE] = 0;
    const way = (updates ? 2 : 0) + (step.averageOverwrite ? 1 : 0);
    for (let j = 0; j < indices.length; j++) {
      const p = plans[indices[j]!]!;
      if (reduces) numbers.setNorm(p, j);
      run(p.stages.given[way]!, p, arrayOf(gradients[j]!));
      p.given = true;
    }
    if (this.#idles) runIdle(plans, way, step.ordinary);
    if (updates && step.ordinary && measure.size > 0) {
      this.#measured[0] = Math.sqrt(w[GRADIENT]);
      this.#measured[1] = Math.sqrt(w[UPDATE]);
    }
    if (this.#constrains) constrain(plans, indices);
    return true;
  }

  /** The pass that only reads: whether all elements are finite, and the norms. */
  #look(
    plans: readonly Plan[],
    step: Step,
    reduces: boolean,
    gradients: readonly CpuGradient[],
    indices: readonly number[],
  ): boolean {
    const numbers = this.#numbers;
    const global = this.#program.clip === 'global-norm';
    let count = 0;
    let wide = false;
    numbers.w[FINITE] = 0;
    for (let j = 0; j < indices.length; j++) {
      const p = plans[indices[j]!]!;
      const g = arrayOf(gradients[j]!);
      const list = p.stages.look[reduces ? 1 : 0]!;
      if (!reduces || p.overwrites) run(list, p, g);
      else {
        reduce(list, p, g, 0, p.n, 0);
        if (global) numbers.keepSquares(p, count++);
        else numbers.keepNorm(p, j);
        wide ||= p.x.BYTES_PER_ELEMENT > 4;
      }
    }
    if (global && count > 0) numbers.setFactor(count, wide ? 'float64' : 'float32', step.clipLimit);
    return numbers.w[FINITE] === 0;
  }

  averages(action: 'assign' | 'swap'): void {
    const plans = this.#attached();
    if (!this.#program.slots.has('average')) throw new SgdError('SGD_NO_AVERAGES', 'the program has no averages');
    for (const { x, a, overwrites } of plans) {
      if (overwrites) continue;
      if (action === 'assign') x.set(a);
      else swap(x, a);
    }
  }

  // the copies are made before the promise is returned
  async read(entries: readonly Entry[]): Promise<FloatArray[]> {
    const plans = this.#attached();
    return entries.map(({ slot, index }) => slotOf(plans, slot, index).slice());
  }

  async write(entries: readonly WriteEntry[]): Promise<void> {
    const plans = this.#attached();
    const targets = entries.map(({ slot, index, values }) => {
      const target = slotOf(plans, slot, index);
      if (values.length === target.length) return target;
      throw new SgdError(
        'SGD_STATE_MISMATCH',
        `${slot} of "${this.#program.variables[index]!.path}": got ${values.length} values, expected ${target.length}`,
      );
    });
    targets.forEach((target, i) => target.set(entries[i]!.values));
  }

  async measured(): Promise<Measured> {
    const { measure } = this.#program;
    const [gradient, update] = this.#measured;
    const made: Measured = {};
    if (measure.has('gradient-norm') && !(gradient! < 0)) made.gradientNorm = gradient!;
    if (measure.has('update-norm') && !(update! < 0)) made.updateNorm = update!;
    return made;
  }

  dispose(): void {
    this.#memory.clear();
    this.#plans = null;
  }

  /** The variables, when there is nothing wrong with any. */
  #attached(): readonly Plan[] {
    if (!this.#plans) throw new SgdError('SGD_DISPOSED', 'the session was disposed of');
    wantAttached(this.#plans, this.#program);
    return this.#plans;
  }
}

/** What happens to variables without a gradient too; forgets which had one. */
function runIdle(plans: readonly Plan[], way: number, ordinary: boolean): void {
  for (let i = 0; i < plans.length; i++) {
    const p = plans[i]!;
    if (ordinary && !p.given) run(p.stages.idle[way]!, p, p.x);
    p.given = false;
  }
}

function constrain(plans: readonly Plan[], indices: readonly number[]): void {
  for (let j = 0; j < indices.length; j++) {
    const { constraint, overwrites, x, shape } = plans[indices[j]!]!;
    if (constraint && !overwrites) constraint(x, shape);
  }
}

function swap(x: FloatArray, a: FloatArray): void {
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    x[i] = a[i]!;
    a[i] = value;
  }
}
