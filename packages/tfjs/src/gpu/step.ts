import type { Step } from '@sgd/core';
import { clip, measureGradients, measureMoves, moved, type Ordinary, type Sum } from './norms.ts';
import { clearAccumulators, type Ordinarily } from './stages.ts';
import { put, type State } from '../state.ts';
import * as rule from './rule.ts';

/** The ordinary part of a step in passes on the device: one for each variable, and one before it where a norm is to be known. */
export const ordinaryBy =
  (pass: rule.Pass): Ordinarily =>
  (state, step, taken) => {
    const { program } = state;
    const numbers = step.rates.map((_, group): rule.Numbers => ({ values: rule.numbersOf(step, group) }));
    const run: Run = (index, what, tensors) =>
      runOn(pass, state, index, what, tensors, numbers[program.variables[index]!.group]!);
    const updates = step.phase === 'update';
    if (updates) ready(state, taken, run);
    return (sums) => {
      const averages = program.slots.has('average') ? average(step) : 0;
      // the norm of updates is of what the variables were before they are overwritten by averages
      const apart = updates && program.measure.has('update-norm');
      if (updates) update(state, step, taken, sums, run, apart ? 0 : averages);
      else
        for (const { index, gradient } of taken)
          run(index, took(state, false) | rule.KEEP | averagesOf(state, index, averages), { G: gradient });
      if (averages === 0) return;
      const done = new Set(apart ? [] : taken.map(({ index }) => index));
      state.slots.average?.forEach((old, index) => {
        if (old && old.size > 0 && !done.has(index)) run(index, averages, {});
      });
    };
  };

type Run = (index: number, what: number, tensors: rule.Tensors) => rule.Tensors;

const average = ({ averageOverwrite }: Step): number => rule.AVERAGE | (averageOverwrite ? rule.OVERWRITE : 0);

const averagesOf = ({ slots }: State, index: number, averages: number): number =>
  slots.average?.[index] ? averages : 0;

/** How a gradient is taken: unscaled, added to the accumulator, made a mean of. */
function took({ program }: State, updates: boolean): number {
  const { unscale, slots } = program;
  const sums = slots.has('accumulator') ? rule.ADD | (updates ? rule.MEAN : 0) : 0;
  return rule.GRADIENT | (unscale ? rule.UNSCALE : 0) | sums;
}

/** Whether gradients are made ready in a pass of their own, before what clips or measures them. */
const isApart = ({ program: { clip: by, measure } }: State): boolean => by !== 'none' || measure.has('gradient-norm');

function ready(state: State, taken: readonly Ordinary[], run: Run): void {
  const { clip: by, measure } = state.program;
  if (!isApart(state)) return;
  const how = took(state, true);
  const squares = by.endsWith('norm') || measure.has('gradient-norm') ? rule.SQUARE : 0;
  const gives = how === rule.GRADIENT ? 0 : rule.GIVE;
  if ((squares | gives) === 0) return;
  for (const one of taken) {
    const { G, S } = run(one.index, how | gives | squares, { G: one.gradient });
    if (G) one.gradient = G;
    one.squares = S;
  }
}

function update(
  state: State,
  step: Step,
  taken: readonly Ordinary[],
  sums: readonly Sum[],
  run: Run,
  averages: number,
): void {
  const { tf, program, refs, slots } = state;
  measureGradients(state, taken);
  if (program.clip !== 'none') clip(state, step, taken, sums, true);
  const how =
    (isApart(state) ? rule.GRADIENT : took(state, true)) | (program.slots.has('accumulator') ? rule.CLEAR : 0);
  const moves: Sum[] = [];
  for (const { index, gradient: G, factor: F } of taken) {
    const { decays } = program.variables[index]!;
    const { variable } = refs[index]!;
    const what =
      how |
      rule.MOVE |
      (F ? rule.FACTOR | (program.clip === 'norm' ? rule.LIMIT : 0) : 0) |
      (decays ? rule.DECAY : 0) |
      (slots.momentum?.[index] ? rule.MOMENTUM | (program.nesterov ? rule.NESTEROV : 0) : 0) |
      averagesOf(state, index, averages);
    const old = program.measure.has('update-norm') ? tf.clone(variable) : null;
    run(index, what, F ? { G, F } : { G });
    if (old) moves.push(moved(tf, variable, old));
  }
  measureMoves(state, moves);
  clearAccumulators(state, new Set(taken.map(({ index }) => index)));
}

const SLOTS = { M: 'momentum', V: 'gradient_accumulator', A: 'average' } as const;

/** A pass over a variable; what it makes of the variable and its slots takes their places. */
function runOn(
  pass: rule.Pass,
  state: State,
  index: number,
  what: number,
  tensors: rule.Tensors,
  numbers: rule.Numbers,
): rule.Tensors {
  const { tf, refs, slots } = state;
  const { variable } = refs[index]!;
  const engine = tf.backend() as unknown as { refCount(dataId: object): number };
  const own: rule.Tensors = { ...tensors, X: variable };
  for (const name of ['M', 'V', 'A'] as const) {
    const tensor = slots[SLOTS[name]]?.[index];
    if (!tensor) continue;
    // what somebody else holds is not to be written
    if (engine.refCount(tensor.dataId) > 1) put(state, SLOTS[name], index, tf.mul(tensor, 1));
    own[name] = slots[SLOTS[name]]![index]!;
  }
  const made = pass(tf, what, own, numbers);
  if (made.X) variable.assign(made.X);
  for (const name of ['M', 'V', 'A'] as const) if (made[name]) put(state, SLOTS[name], index, made[name]);
  return made;
}
