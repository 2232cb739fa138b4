import type { Step } from '@sgd/core';
import { clip, measureGradients, measureMoves, moved, onHost, type Ordinary, type Sum, sumsOf } from './norms.ts';
import { allFinite, LARGEST } from '../numbers.ts';
import { put, type State } from '../state.ts';
import type { Tensor, TensorFlow } from '../tf.ts';

// The universal path: functional operations only, one for each of Keras's, in its order. On the engines whose values JavaScript
// reaches it gives Keras's bits. On the others nothing is read back, except by a finite check.

/**
 * What a step does with the gradients that are not empty and whose variables are not overwritten by them. It makes what is clipped of those of
 * an updating step, and writes nothing, as the step may still be dropped. What it returns does the rest, and takes the sums that a clip
 * needs.
 */
export type Ordinarily = (state: State, step: Step, taken: readonly Ordinary[]) => (sums: readonly Sum[]) => void;

/** One step by operations of tfjs; `ordinarily` may do the most of it otherwise. */
export function stepByOps(
  state: State,
  step: Step,
  gradients: readonly Tensor[],
  indices: readonly number[],
  ordinarily: Ordinarily = ordinaryByOps,
): boolean {
  const { tf, program } = state;
  const some = gradients.filter((gradient) => gradient.size > 0); // kernels of GPUs fail on empty tensors
  return tf.tidy(() => {
    const taken: Ordinary[] = [];
    const replacing: Ordinary[] = [];
    indices.forEach((index, j) => {
      const gradient = gradients[j]!;
      if (gradient.size === 0) return;
      (program.variables[index]!.overwrites ? replacing : taken).push({ index, gradient });
    });
    const updates = step.phase === 'update';
    const move = step.ordinary ? ordinarily(state, step, taken) : undefined;
    const sums = updates ? sumsOf(state, taken) : [];
    if (program.finiteCheck && !finite(tf, some, sums)) return false;
    for (const { index, gradient } of replacing) overwrite(state, index, gradient, updates);
    move?.(sums);
    return true;
  });
}

const ordinaryByOps: Ordinarily = (state, step, taken) => {
  prepare(state, step, taken);
  return (sums) => {
    if (step.phase === 'update') update(state, step, taken, sums);
    else if (state.program.slots.has('accumulator'))
      for (const { index, gradient } of taken) put(state, 'gradient_accumulator', index, gradient);
    if (state.program.slots.has('average')) average(state, step);
  };
};

/** Whether all elements and all sums are finite: on a device, in one read. */
function finite(tf: TensorFlow, gradients: readonly Tensor[], sums: readonly Sum[]): boolean {
  if (onHost(tf))
    return sums.every(Number.isFinite) && gradients.every((gradient) => allFinite(gradient.dataSync<'float32'>()));
  const all = [...gradients, ...(sums as readonly Tensor[])];
  if (all.length === 0) return true;
  const limit = tf.scalar(LARGEST);
  const [answer] = all
    .map((tensor) => tf.all(tf.lessEqual(tf.abs(tensor), limit)))
    .reduce((a, b) => tf.logicalAnd(a, b))
    .dataSync();
  return answer !== 0;
}

/** A variable that its gradient replaces; with an accumulator, the largest of its gradients. */
function overwrite({ tf, refs, slots }: State, index: number, gradient: Tensor, updates: boolean): void {
  const { variable } = refs[index]!;
  const old = slots.gradient_accumulator?.[index];
  // a real copy: the gradient is borrowed
  if (!old) return variable.assign(tf.mul(gradient, 1));
  // wasm's maximum passes on a NaN that comes first only
  const largest = tf.where(tf.isNaN(old), old, tf.maximum(gradient, old));
  if (updates) variable.assign(largest);
  slots.gradient_accumulator![index] = tf.keep(updates ? tf.fill(variable.shape, 0) : largest);
  old.dispose();
}

/** Unscales gradients, and adds to them what was accumulated; when updating, takes the mean. */
function prepare(state: State, step: Step, taken: readonly Ordinary[]): void {
  const { tf, program, slots } = state;
  if (program.unscale) {
    const scale = tf.scalar(step.lossScale);
    for (const one of taken) one.gradient = tf.div(one.gradient, scale);
  }
  if (!program.slots.has('accumulator')) return;
  const count = tf.scalar(step.accumulationSteps);
  for (const one of taken) {
    one.gradient = tf.add(one.gradient, slots.gradient_accumulator![one.index]!);
    if (step.phase === 'update') one.gradient = tf.div(one.gradient, count);
  }
}

function update(state: State, step: Step, taken: readonly Ordinary[], sums: readonly Sum[]): void {
  const { tf, program, refs } = state;
  measureGradients(state, taken);
  if (program.clip !== 'none') clip(state, step, taken, sums, false);
  const move = mover(state, step);
  const moves: Sum[] = [];
  for (const one of taken) {
    const { variable } = refs[one.index]!;
    const x = move(one);
    if (program.measure.has('update-norm')) moves.push(moved(tf, x, variable));
    variable.assign(x);
  }
  measureMoves(state, moves);
  clearAccumulators(state);
}

/** Puts zeros: by assignment, since 0 * NaN is NaN. Of the variables that `but` does not have. */
export function clearAccumulators(state: State, but: ReadonlySet<number> = new Set()): void {
  const { tf, slots } = state;
  slots.gradient_accumulator?.forEach((old, index) => {
    if (old && old.size > 0 && !but.has(index)) put(state, 'gradient_accumulator', index, tf.fill(old.shape, 0));
  });
}

/** The rule: puts the new momentum and gives the new value. */
type Move = (one: Ordinary) => Tensor;

function mover(state: State, step: Step): Move {
  const { tf, program, refs, slots } = state;
  const rates = step.rates.map(({ learningRate, momentum, weightDecay }) => ({
    learningRate: tf.scalar(learningRate),
    momentum: tf.scalar(momentum),
    weightDecay: tf.scalar(weightDecay),
  }));
  return ({ index, gradient }) => {
    const { decays, group } = program.variables[index]!;
    const { learningRate, momentum, weightDecay } = rates[group]!;
    let x: Tensor = refs[index]!.variable;
    if (decays) x = tf.sub(x, tf.mul(tf.mul(x, weightDecay), learningRate));
    const own = tf.mul(gradient, learningRate);
    const old = slots.momentum?.[index];
    if (!old) return tf.sub(x, own);
    const m = tf.sub(tf.mul(old, momentum), own);
    put(state, 'momentum', index, m);
    return tf.add(x, program.nesterov ? tf.sub(tf.mul(m, momentum), own) : m);
  };
}

/** Moves the averages of all averaged variables, and overwrites the variables by them. */
function average(state: State, { averageMomentum, averageOverwrite }: Step): void {
  const { tf, refs, slots } = state;
  const [keep, rest] = [tf.scalar(averageMomentum), tf.scalar(1 - Math.fround(averageMomentum))];
  slots.average?.forEach((old, index) => {
    if (!old || old.size === 0) return;
    const { variable } = refs[index]!;
    const next = tf.add(tf.mul(keep, old), tf.mul(rest, variable));
    put(state, 'average', index, next);
    // a real copy: slots may be written in place
    if (averageOverwrite) variable.assign(tf.mul(next, 1));
  });
}
