import type { Step } from '@sgd/core';
import { engineOf, isHosted } from './engines.ts';
import { allFinite, globalFactor, LARGEST, pairwiseSum, squares64 } from './numbers.ts';
import { measure, put, type State } from './state.ts';
import type { Tensor, TensorFlow } from './tf.ts';

// The universal path: functional operations only, one for each of Keras's, in its order. On the engines whose values JavaScript
// reaches it gives Keras's bits. On the others nothing is read back, except by a finite check.

/** A gradient that moves its variable. */
export interface Ordinary {
  readonly index: number;
  gradient: Tensor;
  /** Of the gradient, where they are there already. */
  squares?: Tensor | undefined;
  /** A scalar that the gradient is still to be multiplied by; after the limit, where it is clipped by its own norm. */
  factor?: Tensor;
}

/** What a step does with the gradients that are not empty and whose variables are not overwritten by them. */
export type Ordinarily = (state: State, step: Step, taken: readonly Ordinary[]) => void;

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
  if (program.finiteCheck && !finite(tf, some)) return false;
  tf.tidy(() => {
    const taken: Ordinary[] = [];
    indices.forEach((index, j) => {
      const gradient = gradients[j]!;
      if (gradient.size === 0) return;
      if (program.variables[index]!.overwrites) overwrite(state, index, gradient, step.phase === 'update');
      else taken.push({ index, gradient });
    });
    if (step.ordinary) ordinarily(state, step, taken);
  });
  return true;
}

const ordinaryByOps: Ordinarily = (state, step, taken) => {
  prepare(state, step, taken);
  if (step.phase === 'update') update(state, step, taken);
  if (state.program.slots.has('average')) average(state, step);
};

const onHost = (tf: TensorFlow): boolean => isHosted(engineOf(tf));

function finite(tf: TensorFlow, gradients: readonly Tensor[]): boolean {
  if (onHost(tf)) return gradients.every((gradient) => allFinite(gradient.dataSync<'float32'>()));
  if (gradients.length === 0) return true;
  const answer = tf.tidy(() => {
    const limit = tf.scalar(LARGEST);
    return gradients
      .map((gradient) => tf.all(tf.lessEqual(tf.abs(gradient), limit)))
      .reduce((a, b) => tf.logicalAnd(a, b));
  });
  const [all] = answer.dataSync();
  answer.dispose();
  return all !== 0;
}

/** A variable that its gradient replaces; with an accumulator, the largest of its gradients. */
function overwrite({ tf, refs, slots }: State, index: number, gradient: Tensor, updates: boolean): void {
  const { variable } = refs[index]!;
  const old = slots.accumulator[index];
  // a real copy: the gradient is borrowed
  if (!old) return variable.assign(tf.mul(gradient, 1));
  // wasm's maximum passes on a NaN that comes first only
  const largest = tf.where(tf.isNaN(old), old, tf.maximum(gradient, old));
  if (updates) variable.assign(largest);
  slots.accumulator[index] = tf.keep(updates ? tf.fill(variable.shape, 0) : largest);
  old.dispose();
}

/** Unscaled gradients, added to the accumulators or made means of. */
function prepare(state: State, step: Step, taken: readonly Ordinary[]): void {
  const { tf, program, slots } = state;
  if (program.unscale) {
    const scale = tf.scalar(step.lossScale);
    for (const one of taken) one.gradient = tf.div(one.gradient, scale);
  }
  if (!program.slots.has('accumulator')) return;
  const count = tf.scalar(step.accumulationSteps);
  for (const one of taken) {
    one.gradient = tf.add(one.gradient, slots.accumulator[one.index]!);
    if (step.phase === 'update') one.gradient = tf.div(one.gradient, count);
    else put(state, 'accumulator', one.index, one.gradient);
  }
}

function update(state: State, step: Step, taken: readonly Ordinary[]): void {
  const { tf, program, refs } = state;
  measureGradients(state, taken);
  if (program.clip !== 'none') clip(state, step, taken, false);
  const move = mover(state, step);
  const moves: Tensor[] = [];
  for (const one of taken) {
    const { variable } = refs[one.index]!;
    const x = move(one);
    if (program.measure.has('update-norm')) moves.push(tf.sub(x, variable));
    variable.assign(x);
  }
  measureMoves(state, moves);
  clearAccumulators(state);
}

/** Puts zeros: by assignment, since 0 * NaN is NaN. Of the variables that `but` does not have. */
export function clearAccumulators(state: State, but: ReadonlySet<number> = new Set()): void {
  const { tf, slots } = state;
  slots.accumulator.forEach((old, index) => {
    if (old && old.size > 0 && !but.has(index)) put(state, 'accumulator', index, tf.fill(old.shape, 0));
  });
}

/** The sum of all squares: on the host in float64. */
function squaresOf(tf: TensorFlow, all: readonly Ordinary[]): number | Tensor {
  if (onHost(tf)) return all.reduce((sum, { gradient }) => sum + squares64(gradient.dataSync<'float32'>()), 0);
  return total(
    tf,
    all.map((one) => sumOfSquares(tf, one)),
  );
}

/** Where that is asked for. */
export function measureGradients(state: State, taken: readonly Ordinary[]): void {
  if (state.program.measure.has('gradient-norm')) measure(state, 'gradient', squaresOf(state.tf, taken));
}

/** Where that is asked for. */
export function measureMoves(state: State, moves: readonly Tensor[]): void {
  if (!state.program.measure.has('update-norm')) return;
  const all = moves.map((gradient, index) => ({ index, gradient }));
  measure(state, 'update', squaresOf(state.tf, all));
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
    const old = slots.momentum[index];
    if (!old) return tf.sub(x, own);
    const m = tf.sub(tf.mul(old, momentum), own);
    put(state, 'momentum', index, m);
    return tf.add(x, program.nesterov ? tf.sub(tf.mul(m, momentum), own) : m);
  };
}

/** Replaces the gradients by clipped ones; or, with `later`, where it is by a norm, says what they are to be multiplied by. */
export function clip({ tf, program }: State, { clipLimit }: Step, taken: readonly Ordinary[], later: boolean): void {
  const limit = tf.scalar(clipLimit);
  if (program.clip === 'value') {
    const least = tf.scalar(-clipLimit);
    // the gradient first: so NaN stays NaN, which clipByValue loses on some engines
    for (const one of taken) one.gradient = tf.minimum(tf.maximum(one.gradient, least), limit);
    return;
  }
  if (taken.length === 0) return;
  const alone = program.clip === 'norm';
  if (onHost(tf)) hostNorms(tf, alone, clipLimit, limit, taken);
  else deviceNorms(tf, alone, clipLimit, limit, taken, later);
}

/** With sums in numpy's order, on the host. */
function hostNorms(tf: TensorFlow, alone: boolean, clipLimit: number, limit: Tensor, taken: readonly Ordinary[]): void {
  const sums = Float32Array.from(taken, ({ gradient }) => {
    const values = gradient.dataSync<'float32'>();
    return pairwiseSum(values, true, 0, values.length);
  });
  if (alone) {
    taken.forEach((one, j) => {
      const norm = tf.scalar(Math.max(Math.sqrt(sums[j]!), Math.fround(clipLimit)));
      one.gradient = tf.div(tf.mul(one.gradient, limit), norm);
    });
    return;
  }
  const factor = tf.scalar(globalFactor(pairwiseSum(sums, false, 0, sums.length), clipLimit));
  for (const one of taken) one.gradient = tf.mul(one.gradient, factor);
}

/** On the device, in two stages. */
function deviceNorms(
  tf: TensorFlow,
  alone: boolean,
  clipLimit: number,
  limit: Tensor,
  taken: readonly Ordinary[],
  later: boolean,
): void {
  const sums = taken.map((one) => sumOfSquares(tf, one));
  const norm = (sum: Tensor): Tensor => tf.where(tf.greater(sum, 0), tf.sqrt(sum), sum);
  const global = (): Tensor => {
    const n = norm(total(tf, sums));
    const q = tf.minimum(tf.div(1, n), tf.scalar(1 / clipLimit));
    return tf.add(tf.mul(limit, q), tf.sub(n, n));
  };
  const factor = alone ? limit : global();
  taken.forEach((one, j) => {
    // by the inverse: webgl's division makes 1 of infinity / infinity
    const own = alone ? tf.div(1, tf.maximum(norm(sums[j]!), limit)) : factor;
    if (later) one.factor = own;
    else one.gradient = tf.mul(alone ? tf.mul(one.gradient, limit) : one.gradient, own);
  });
}

/** By sevens: more, with the result, are more buffers than a program of webgpu may have, and tfjs does not look. */
function total(tf: TensorFlow, sums: readonly Tensor[]): Tensor {
  let all = [...sums];
  while (all.length > 1) {
    const next: Tensor[] = [];
    for (let i = 0; i < all.length; i += 7) next.push(tf.addN(all.slice(i, i + 7)));
    all = next;
  }
  return all[0] ?? tf.scalar(0);
}

/** The sum of squares on the device: of rows first, since one sum over millions is far off on some engines. */
function sumOfSquares(tf: TensorFlow, { gradient, squares }: Ordinary): Tensor {
  const { size } = gradient;
  const all = squares ?? tf.mul(gradient, gradient);
  if (size <= 1024) return tf.sum(all);
  const flat = tf.reshape(all, [size]);
  const width = 2 ** Math.ceil(Math.log2(size) / 2);
  const rows = Math.floor(size / width);
  const rest = size - rows * width;
  const body = rest === 0 ? flat : tf.slice(flat, 0, rows * width);
  const sum = tf.sum(tf.sum(tf.reshape(body, [rows, width]), 1));
  return rest === 0 ? sum : tf.add(sum, tf.sum(tf.slice(flat, rows * width, rest)));
}

/** Moves the averages of all averaged variables, and overwrites the variables by them. */
function average(state: State, { averageMomentum, averageOverwrite }: Step): void {
  const { tf, refs, slots } = state;
  const [keep, rest] = [tf.scalar(averageMomentum), tf.scalar(1 - Math.fround(averageMomentum))];
  slots.average.forEach((old, index) => {
    if (!old || old.size === 0) return;
    const { variable } = refs[index]!;
    const next = tf.add(tf.mul(keep, old), tf.mul(rest, variable));
    put(state, 'average', index, next);
    // a real copy: slots may be written in place
    if (averageOverwrite) variable.assign(tf.mul(next, 1));
  });
}
