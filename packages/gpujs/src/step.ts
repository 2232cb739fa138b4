import type { Measured, Program, Step } from '@sgd/core';
import type { Device } from './device.ts';
import * as formulas from './formulas.ts';
import type { GpuGradient } from './gpu.ts';
import { settled, type Work } from './steps.ts';
import { gradientValues, wantLength } from './tensor.ts';
import { readTotal } from './reductions.ts';
import type { Tensors } from './tensors.ts';

const R = Math.fround;

/** What takes the steps of a session. */
export interface Stepper {
  step(step: Step, gradients: readonly GpuGradient[], indices: readonly number[]): Work<boolean>;
  measured(): Work<Measured>;
  /** Frees the figures that were measured. */
  forget(): void;
}

/** A gradient on the device, of a variable that has elements. */
interface Given<T> {
  readonly index: number;
  readonly size: number;
  /** Borrowed or made of it; freed when the step is over. */
  gradient: T;
}

/** A sum of squares that was measured: in float64, where the host computes. */
type Figure<T> = T | number;

/** Chooses the kernels of each variable, once. */
export function makeStepper<T>(device: Device<T>, program: Program, tensors: Tensors<T>): Stepper {
  const { slots, clip, unscale, finiteCheck, measure, variables } = program;
  const accumulates = slots.has('accumulator');
  const rule = !slots.has('momentum') ? 'plain' : program.nesterov ? 'nesterov' : 'momentum';
  const both = rule !== 'plain' && 'both' in device;
  const rules = variables.map(({ decays }) => formulas.ruleOf(rule, decays, both));
  const toAccumulate = formulas.gradientOf(unscale, true, false, false);
  // norms are measured before gradients are clipped
  const clipsAtOnce = clip === 'value' && !measure.has('gradient-norm');
  const toUpdate = formulas.gradientOf(unscale, accumulates, accumulates, clipsAtOnce);
  const toClip = formulas.gradientOf(false, false, false, true);
  const changes = unscale || accumulates || clipsAtOnce;
  let figures: { readonly gradient: Figure<T>[]; readonly update: Figure<T>[] } | null = null;

  const forget = (): void => {
    for (const figure of Object.values(figures ?? {}).flat()) if (typeof figure !== 'number') device.free(figure);
    figures = null;
  };
  function* figureOf(formula: formulas.Formula, arrays: readonly T[], size: number): Work<Figure<T>> {
    return device.measure ? device.measure(arrays) : yield* device.reduce(formula, arrays, size);
  }
  function* normOf(list: readonly Figure<T>[]): Work<number> {
    const squares = device.measure
      ? (list as readonly number[]).reduce((sum, each) => sum + each, 0)
      : yield* readTotal(device, list as readonly T[]);
    return Math.sqrt(squares);
  }
  const run = (
    formula: formulas.Formula,
    size: number,
    arrays: readonly T[],
    numbers: readonly number[] = [],
  ): Work<T> => settled(device.run(formula, size, arrays, numbers));

  /** Puts what is made of a gradient in its place. */
  function* change(
    given: Given<T>,
    formula: formulas.Formula,
    others: readonly T[],
    numbers: readonly number[],
  ): Work<void> {
    const { gradient, size } = given;
    given.gradient = yield* run(formula, size, [gradient, ...others], numbers);
    device.free(gradient);
  }

  function* overwrite({ index, size, gradient }: Given<T>, phase: Step['phase']): Work<void> {
    if (!accumulates) return tensors.replace('variable', index, yield* run(formulas.copy, size, [gradient]));
    const most = yield* run(formulas.largest, size, [gradient, tensors.of('accumulator', index)]);
    if (phase === 'update') {
      tensors.replace('variable', index, most);
      tensors.reset(index);
    } else tensors.replace('accumulator', index, most);
  }

  /** Makes what is clipped of the gradients of an updating step. */
  function* ready(all: readonly Given<T>[], step: Step): Work<void> {
    if (!changes) return;
    const numbers = unscale ? [R(step.lossScale)] : [];
    if (accumulates) numbers.push(R(step.accumulationSteps));
    if (clipsAtOnce) numbers.push(R(step.clipLimit));
    for (const given of all)
      yield* change(given, toUpdate, accumulates ? [tensors.of('accumulator', given.index)] : [], numbers);
  }

  /** Puts the sums of squares that a clip needs into a list: of each gradient or, under a global norm, of all together. */
  function* sumUp(all: readonly Given<T>[], sums: T[]): Work<void> {
    if (!clip.endsWith('norm')) return;
    for (const { gradient, size } of all) sums.push(yield* device.reduce(formulas.squares, [gradient], size));
    if (clip === 'norm' || sums.length === 0) return;
    const total = yield* device.total(sums);
    for (const sum of sums.splice(0, sums.length, total)) device.free(sum);
  }

  /** Clips each gradient by its norm, or all by the norm over all. */
  function* clipByNorm(all: readonly Given<T>[], sums: readonly T[], limit: number): Work<void> {
    const c = R(limit);
    for (const [j, sum] of sums.entries()) {
      const alone = clip === 'norm';
      const by = alone
        ? yield* run(formulas.divisor, 1, [sum], [c])
        : yield* run(formulas.factor, 1, [sum], [c, R(1 / limit), NaN]);
      try {
        if (alone) yield* change(all[j]!, formulas.clipNorm, [by], [c]);
        else for (const given of all) yield* change(given, formulas.clipGlobal, [by], []);
      } finally {
        device.free(by);
      }
    }
  }

  /** Decay and the rule. */
  function* update({ index, size, gradient }: Given<T>, { rates }: Step): Work<void> {
    const { group } = variables[index]!;
    const { learningRate, momentum, weightDecay } = rates[group]!;
    const values: Record<string, number> = { l: R(learningRate), b: R(momentum), w: R(weightDecay) };
    const formula = rules[index]!;
    const numbers = formula.numbers.split('').map((name) => values[name]!);
    const old = tensors.of('variable', index);
    let made: T;
    if (rule === 'plain') made = yield* run(formula, size, [old, gradient], numbers);
    else {
      const before = tensors.of('momentum', index);
      let m: T;
      if (both) [made, m] = yield* settled(device.both!(formula, size, [old, before, gradient], numbers));
      else {
        m = yield* run(formulas.momentum, size, [before, gradient], [values.b!, values.l!]);
        made = yield* run(formula, size, rule === 'momentum' ? [old, m] : [old, m, gradient], numbers);
      }
      tensors.replace('momentum', index, m);
    }
    if (measure.has('update-norm')) figures?.update.push(yield* figureOf(formulas.differences, [made, old], size));
    tensors.replace('variable', index, made);
  }

  function* average(step: Step): Work<void> {
    const b = R(step.averageMomentum);
    for (let i = 0; i < variables.length; i++) {
      const size = tensors.sizes[i]!;
      if (size === 0 || variables[i]!.overwrites) continue;
      const both = [tensors.of('average', i), tensors.of('variable', i)];
      const made = yield* run(formulas.average, size, both, [b, R(1 - b)]);
      tensors.replace('average', i, made);
      if (step.averageOverwrite) tensors.replace('variable', i, device.copy(made));
    }
  }

  function* accumulate(all: readonly Given<T>[], step: Step): Work<void> {
    const scale = unscale ? [R(step.lossScale)] : [];
    for (const { index, size, gradient } of all) {
      const made = yield* run(toAccumulate, size, [gradient, tensors.of('accumulator', index)], scale);
      tensors.replace('accumulator', index, made);
    }
  }

  /** An updating step, once the gradients are ready. */
  function* updateAll(all: readonly Given<T>[], sums: readonly T[], step: Step): Work<void> {
    forget();
    figures = { gradient: [], update: [] };
    if (measure.has('gradient-norm'))
      for (const { gradient, size } of all) figures.gradient.push(yield* figureOf(formulas.squares, [gradient], size));
    if (clip === 'value' && !clipsAtOnce)
      for (const given of all) yield* change(given, toClip, [], [R(step.clipLimit)]);
    yield* clipByNorm(all, sums, step.clipLimit);
    for (const given of all) yield* update(given, step);
    if (accumulates) variables.forEach((_, i) => tensors.reset(i));
  }

  /**
   * All that comes before something is written: gradients of an updating step are made ready and their squares summed; whether the step is to be
   * taken, which is read in one go.
   */
  function* prepare(step: Step, all: readonly Given<T>[], own: readonly Given<T>[], sums: T[]): Work<boolean> {
    const flaws: T[] = [];
    try {
      if (finiteCheck)
        for (const { gradient, size } of all) flaws.push(yield* device.reduce(formulas.flaws, [gradient], size));
      if (step.phase === 'update') {
        yield* ready(own, step);
        yield* sumUp(own, sums);
      }
      if (!finiteCheck) return true;
      for (const sum of sums) flaws.push(yield* device.reduce(formulas.flaws, [sum], 1));
      return (yield* readTotal(device, flaws)) === 0;
    } finally {
      for (const flaw of flaws) device.free(flaw);
    }
  }

  function* take(
    step: Step,
    gradients: readonly GpuGradient[],
    indices: readonly number[],
    all: Given<T>[],
    sums: T[],
  ): Work<boolean> {
    // all values first: a getter of the caller's may detach any of them
    const values = gradients.map((gradient, j) => gradientValues(device, gradient, variables[indices[j]!]!));
    for (const [j, index] of indices.entries()) {
      const size = tensors.sizes[index]!;
      if (size === 0) continue;
      wantLength(values[j]!, variables[index]!);
      const gradient = yield* settled(device.borrow(values[j]!));
      all.push({ index, size, gradient });
    }
    const overwrites = ({ index }: Given<T>): boolean => variables[index]!.overwrites;
    const own = all.filter((given) => !overwrites(given));
    if (!(yield* prepare(step, all, own, sums))) return false;
    for (const given of all) if (overwrites(given)) yield* overwrite(given, step.phase);
    if (!step.ordinary) return true;
    if (step.phase === 'accumulate') yield* accumulate(own, step);
    else yield* updateAll(own, sums, step);
    if (slots.has('average')) yield* average(step);
    for (const index of indices) {
      const { constraint, shape } = variables[index]!;
      if (constraint) constraint((tensors.of('variable', index) ?? new Float32Array(0)) as Float32Array, shape);
    }
    return true;
  }

  return {
    *step(step, gradients, indices) {
      device.check();
      const all: Given<T>[] = [];
      const sums: T[] = [];
      try {
        return yield* take(step, gradients, indices, all, sums);
      } finally {
        for (const { gradient } of all) device.free(gradient);
        for (const sum of sums) device.free(sum);
      }
    },
    *measured() {
      const made: Measured = {};
      if (figures && measure.has('gradient-norm')) made.gradientNorm = yield* normOf(figures.gradient);
      if (figures && measure.has('update-norm')) made.updateNorm = yield* normOf(figures.update);
      return made;
    },
    forget,
  };
}
