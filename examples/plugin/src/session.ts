import type { Entry, Program, Session, Slot, Step, WriteEntry } from '@sgd/core';
import { numpy as np } from '@jax-js/jax';
import { clipper, hasElements, isFinite, normsOf } from './gradients.ts';
import { sizeOf, type Tensor, tensor } from './tensor.ts';

/** The arrays of an optimizer: those that were given stay the caller's, others are freed when they are replaced. */
class Arrays {
  readonly variables: Tensor[];
  readonly #given: readonly Tensor[];
  readonly #slots: Readonly<Record<Slot, (Tensor | undefined)[]>>;

  constructor({ slots, variables }: Program, given: readonly Tensor[]) {
    const make = (slot: Exclude<Slot, 'variable'>): (Tensor | undefined)[] =>
      given.map(({ shape }, i) => {
        const has = slots.has(slot) && (slot === 'accumulator' || !variables[i]!.overwrites);
        return has ? np.zeros([...shape]) : undefined;
      });
    this.#given = given;
    this.variables = [...given];
    this.#slots = {
      variable: this.variables,
      momentum: make('momentum'),
      accumulator: make('accumulator'),
      average: make('average'),
    };
  }

  get(slot: Slot, index: number): Tensor | undefined {
    return this.#slots[slot][index];
  }

  /** Puts an array in the place of another. */
  put(slot: Slot, index: number, array: Tensor): void {
    const before = this.#slots[slot][index]!;
    this.#slots[slot][index] = array;
    if (before !== this.#given[index]) before.dispose();
  }

  find({ slot, index }: Entry, length?: number): Tensor {
    const found = this.get(slot, index);
    if (found && (length ?? sizeOf(found.shape)) === sizeOf(found.shape)) return found;
    throw new RangeError(`there is no ${slot} ${index} of that size`);
  }

  clear(index: number): void {
    const accumulator = this.get('accumulator', index);
    if (accumulator) this.put('accumulator', index, np.zeros([...accumulator.shape]));
  }

  /** Frees the slots; the current variables are the caller's. */
  dispose(): void {
    const { variable: _, ...slots } = this.#slots;
    for (const array of Object.values(slots).flat()) array?.dispose();
  }
}

/** A gradient that replaces its variable: the largest of the micro-steps. */
function overwrite(arrays: Arrays, phase: Step['phase'], gradient: Tensor, index: number): void {
  const accumulator = arrays.get('accumulator', index);
  const largest = accumulator ? np.maximum(gradient.ref, accumulator.ref) : gradient.ref;
  if (phase === 'accumulate') return arrays.put('accumulator', index, largest);
  arrays.put('variable', index, largest);
  arrays.clear(index);
}

/** Decay and the rule: `x = x - (x * weightDecay) * lr`, then `m = m * b - g * lr`, `x = x + m`. Consumes the gradient. */
function move(arrays: Arrays, { variables, nesterov }: Program, { rates }: Step, g: Tensor, index: number): void {
  const { group, decays } = variables[index]!;
  const { learningRate: lr, momentum: b, weightDecay } = rates[group]!;
  const m = arrays.get('momentum', index);
  let x = arrays.get('variable', index)!.ref;
  if (decays) x = x.ref.sub(x.mul(weightDecay).mul(lr));
  const change = g.mul(lr);
  if (m) {
    const next = m.ref.mul(b).sub(change.ref);
    x = x.add(nesterov ? next.ref.mul(b).sub(change) : (change.dispose(), next.ref));
    arrays.put('momentum', index, next);
  } else x = x.sub(change);
  arrays.put('variable', index, x);
}

/** `a = b * a + (1 - b) * x` of all variables that have an average, given or not. */
function average(arrays: Arrays, { averageMomentum: b, averageOverwrite }: Step): void {
  const firsts: Tensor[] = [];
  arrays.variables.forEach((x, index) => {
    const a = arrays.get('average', index);
    if (!a || !hasElements(x)) return;
    const next = a.ref.mul(b).add(x.ref.mul(1 - b));
    arrays.put('average', index, next);
    if (averageOverwrite) arrays.put('variable', index, next.ref);
    firsts.push(np.ravel(next.ref).slice(0));
  });
  // jax-js computes what is read. Averages are read at the end of a training: until then the work, and its memory, would pile up
  if (firsts.length > 0) np.stack(firsts).sum().item();
}

/** One step of {@link Session.step}, in the order that is given there. */
function take(
  arrays: Arrays,
  program: Program,
  step: Step,
  all: readonly Tensor[],
  indices: readonly number[],
): boolean {
  const given = all.map((g, j) => ({ g, index: indices[j]! })).filter(({ g }) => hasElements(g));
  if (program.finiteCheck && !given.every(({ g }) => isFinite(g))) return false;
  const { phase, lossScale, accumulationSteps, ordinary } = step;
  const means = given
    .filter(({ index }) => !program.variables[index]!.overwrites)
    .map(({ g, index }) => {
      const own = program.unscale ? np.trueDivide(g.ref, lossScale) : g.ref;
      const a = arrays.get('accumulator', index);
      if (!a) return { g: own, index };
      const sum = own.add(a.ref);
      return { g: phase === 'accumulate' ? sum : np.trueDivide(sum, accumulationSteps), index };
    });
  const norms = phase === 'update' ? normsOf(program, means.map(({ g }) => g)) : []; // prettier-ignore
  // before anything is written: squares of finite gradients may overflow
  if (program.finiteCheck && !norms.every(isFinite)) {
    for (const array of [...norms, ...means.map(({ g }) => g)]) array.dispose();
    return false;
  }
  for (const { g, index } of given) if (program.variables[index]!.overwrites) overwrite(arrays, phase, g, index);
  if (!ordinary) return true;
  if (phase === 'accumulate') for (const { g, index } of means) arrays.put('accumulator', index, g);
  else {
    const clip = clipper(program, step, norms, means.length);
    means.forEach(({ g, index }, j) => move(arrays, program, step, clip(g, j), index));
    arrays.variables.forEach((_, index) => arrays.clear(index));
  }
  average(arrays, step);
  return true;
}

/** Takes the variables, and makes slots of zeros. */
export function openSession(program: Program, given: readonly Tensor[]): Session<Tensor, Tensor, 'sync'> {
  const arrays = new Arrays(program, given);
  return {
    variables: arrays.variables,
    step: (step, gradients, indices) => take(arrays, program, step, gradients, indices),
    averages(action) {
      arrays.variables.forEach((x, index) => {
        const a = arrays.get('average', index)?.ref;
        if (!a) return;
        if (action === 'swap') arrays.put('average', index, x.ref);
        arrays.put('variable', index, a);
      });
    },
    read: async (entries) =>
      Promise.all(entries.map((entry) => arrays.find(entry).ref.data() as Promise<Float32Array>)),
    async write(entries: readonly WriteEntry[]) {
      const made = entries.map((entry) =>
        tensor({ data: Float32Array.from(entry.values), shape: arrays.find(entry, entry.values.length).shape }),
      );
      entries.forEach(({ slot, index }, j) => arrays.put(slot, index, made[j]!));
    },
    dispose: () => arrays.dispose(),
  };
}
