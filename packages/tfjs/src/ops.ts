import type { Step } from '@sgd/core';
import { engineOf, isHosted } from './engines.ts';
import { allFinite, globalFactor, LARGEST, pairwiseSum, squares64 } from './numbers.ts';
import { measure, put, type State } from './state.ts';
import type { Tensor, TensorFlow } from './tf.ts';

// The universal path: functional operations only, one for each of Keras's, in its order. On the engines whose values JavaScript
// reaches it gives Keras's bits. On the others nothing is read back, except by a finite check.

interface Ordinary {
  readonly index: number;
  gradient: Tensor;
}

/** One step by operations of tfjs. */
export function stepByOps(state: State, step: Step, gradients: readonly Tensor[], indices: readonly number[]): boolean {
  const { tf, program } = state;
  const hosted = isHosted(engineOf(tf));
  const some = gradients.filter((gradient) => gradient.size > 0); // kernels of GPUs fail on empty tensors
  if (program.finiteCheck && !finite(tf, some, hosted)) return false;
  tf.tidy(() => {
    const updates = step.phase === 'update';
    const ordinary: Ordinary[] = [];
    indices.forEach((index, j) => {
      const gradient = gradients[j]!;
      if (!program.variables[index]!.overwrites) ordinary.push({ index, gradient });
      else if (gradient.size > 0) overwrite(state, index, gradient, updates);
    });
    if (!step.ordinary) return;
    const taken = prepare(state, step, ordinary);
    if (updates) update(state, step, taken, hosted);
    if (program.slots.has('average')) average(state, step);
  });
  return true;
}

function finite(tf: TensorFlow, gradients: readonly Tensor[], hosted: boolean): boolean {
  if (hosted) return gradients.every((gradient) => allFinite(gradient.dataSync<'float32'>()));
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

/** Unscaled gradients, added to the accumulators or made means of. Gives those that an update goes on with. */
function prepare(state: State, step: Step, ordinary: readonly Ordinary[]): readonly Ordinary[] {
  const { tf, program, slots } = state;
  const taken = ordinary.filter(({ gradient }) => gradient.size > 0);
  if (program.unscale) {
    const scale = tf.scalar(step.lossScale);
    for (const one of taken) one.gradient = tf.div(one.gradient, scale);
  }
  if (program.slots.has('accumulator')) {
    const count = tf.scalar(step.accumulationSteps);
    for (const one of taken) {
      const sum = tf.add(one.gradient, slots.accumulator[one.index]!);
      if (step.phase === 'accumulate') put(state, 'accumulator', one.index, sum);
      else one.gradient = tf.div(sum, count);
    }
  }
  return taken;
}

function update(state: State, step: Step, taken: readonly Ordinary[], hosted: boolean): void {
  const { tf, program, refs, slots } = state;
  const squares = (all: readonly Tensor[]): number | Tensor =>
    hosted
      ? all.reduce((sum, one) => sum + squares64(one.dataSync<'float32'>()), 0)
      : total(
          tf,
          all.map((one) => sumOfSquares(tf, one)),
        );
  const measures = (kind: 'gradient-norm' | 'update-norm'): boolean => program.measure.has(kind);
  if (measures('gradient-norm')) measure(state, 'gradient', squares(taken.map(({ gradient }) => gradient)));
  if (program.clip !== 'none') clip(state, step, taken, hosted);
  const rates = step.rates.map(({ learningRate, momentum, weightDecay }) => ({
    learningRate: tf.scalar(learningRate),
    momentum: tf.scalar(momentum),
    weightDecay: tf.scalar(weightDecay),
  }));
  const moves: Tensor[] = [];
  for (const { index, gradient } of taken) {
    const { variable } = refs[index]!;
    const { decays, group } = program.variables[index]!;
    const { learningRate, momentum, weightDecay } = rates[group]!;
    let x: Tensor = variable;
    if (decays) x = tf.sub(x, tf.mul(tf.mul(x, weightDecay), learningRate));
    const own = tf.mul(gradient, learningRate);
    const old = slots.momentum[index];
    if (old) {
      const m = tf.sub(tf.mul(old, momentum), own);
      put(state, 'momentum', index, m);
      x = tf.add(x, program.nesterov ? tf.sub(tf.mul(m, momentum), own) : m);
    } else x = tf.sub(x, own);
    if (measures('update-norm')) moves.push(tf.sub(x, variable));
    variable.assign(x);
  }
  if (measures('update-norm')) measure(state, 'update', squares(moves));
  slots.accumulator.forEach((old, index) => {
    // by assignment: 0 * NaN is NaN
    if (old && old.size > 0) put(state, 'accumulator', index, tf.fill(old.shape, 0));
  });
}

/** Replaces the gradients by clipped ones. */
function clip({ tf, program }: State, { clipLimit }: Step, taken: readonly Ordinary[], hosted: boolean): void {
  const limit = tf.scalar(clipLimit);
  if (program.clip === 'value') {
    const least = tf.scalar(-clipLimit);
    // the gradient first: so NaN stays NaN, which clipByValue loses on some engines
    for (const one of taken) one.gradient = tf.minimum(tf.maximum(one.gradient, least), limit);
    return;
  }
  if (taken.length === 0) return;
  const norms = hosted ? hostNorms : deviceNorms;
  norms(tf, program.clip === 'norm', clipLimit, limit, taken);
}

type Norms = (tf: TensorFlow, alone: boolean, clipLimit: number, limit: Tensor, taken: readonly Ordinary[]) => void;

/** With sums in numpy's order, on the host. */
const hostNorms: Norms = (tf, alone, clipLimit, limit, taken) => {
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
};

/** On the device, in two stages. */
const deviceNorms: Norms = (tf, alone, clipLimit, limit, taken) => {
  const sums = taken.map(({ gradient }) => sumOfSquares(tf, gradient));
  const norm = (sum: Tensor): Tensor => tf.where(tf.greater(sum, 0), tf.sqrt(sum), sum);
  if (alone) {
    taken.forEach((one, j) => {
      // by the inverse: webgl's division makes 1 of infinity / infinity
      const inverse = tf.div(1, tf.maximum(norm(sums[j]!), limit));
      one.gradient = tf.mul(tf.mul(one.gradient, limit), inverse);
    });
    return;
  }
  const n = norm(total(tf, sums));
  const q = tf.minimum(tf.div(1, n), tf.scalar(1 / clipLimit));
  const factor = tf.add(tf.mul(limit, q), tf.sub(n, n));
  for (const one of taken) one.gradient = tf.mul(one.gradient, factor);
};

function total(tf: TensorFlow, sums: readonly Tensor[]): Tensor {
  return sums.length === 0 ? tf.scalar(0) : sums.reduce((a, b) => tf.add(a, b));
}

/** The sum of squares on the device: of rows first, since one sum over millions is far off on some engines. */
function sumOfSquares(tf: TensorFlow, tensor: Tensor): Tensor {
  const squares = tf.reshape(tf.mul(tensor, tensor), [tensor.size]);
  const width = 2 ** Math.ceil(Math.log2(tensor.size) / 2);
  const rows = Math.floor(tensor.size / width);
  if (rows < 2) return tf.sum(squares);
  const body = tf.reshape(tf.slice(squares, 0, rows * width), [rows, width]);
  const sum = tf.sum(tf.sum(body, 1));
  const rest = tensor.size - rows * width;
  return rest === 0 ? sum : tf.add(sum, tf.sum(tf.slice(squares, rows * width, rest)));
}

/** Moves the averages of all averaged variables, and overwrites the variables by them. */
function average(state: State, { averageMomentum, averageOverwrite }: Step): void {
  const { tf, refs, slots } = state;
  const keep = tf.scalar(averageMomentum);
  const mix = tf.scalar(1 - Math.fround(averageMomentum));
  slots.average.forEach((old, index) => {
    if (!old || old.size === 0) return;
    const { variable } = refs[index]!;
    const next = tf.add(tf.mul(keep, old), tf.mul(mix, variable));
    put(state, 'average', index, next);
    // a real copy: slots may be written in place
    if (averageOverwrite) variable.assign(tf.mul(next, 1));
  });
}
