import type { Step } from '@sgd/core';
import { engineOf, isHosted } from './engines.ts';
import { allFinite, globalFactor, LARGEST, pairwiseSum, squares64 } from './numbers.ts';
import { type Compute, EXPRESSIONS } from './programs.ts';
import { measure, put, type State } from './state.ts';
import type { Tensor, TensorFlow } from './tf.ts';

// The universal path: functional operations only, one for each of Keras's, in its order. On the engines whose values JavaScript
// reaches it gives Keras's bits. On the others nothing is read back, except by a finite check.

interface Ordinary {
  readonly index: number;
  gradient: Tensor;
  /** A scalar that the gradient is still to be multiplied by; after the limit, where it is clipped by its own norm. */
  factor?: Tensor;
}

/** One step by operations of tfjs; with `compute`, what is done to each element in passes of its own. */
export function stepByOps(
  state: State,
  step: Step,
  gradients: readonly Tensor[],
  indices: readonly number[],
  compute?: Compute,
): boolean {
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
    const taken = prepare(state, step, ordinary, compute);
    if (updates) update(state, step, taken, hosted, compute);
    if (program.slots.has('average')) average(state, step, compute);
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
function prepare(
  state: State,
  step: Step,
  ordinary: readonly Ordinary[],
  compute: Compute | undefined,
): readonly Ordinary[] {
  const { tf, program, slots } = state;
  const { lossScale, accumulationSteps, phase } = step;
  const taken = ordinary.filter(({ gradient }) => gradient.size > 0);
  const accumulates = program.slots.has('accumulator');
  if (program.unscale && !(compute && accumulates)) {
    const scale = tf.scalar(lossScale);
    for (const one of taken) one.gradient = tf.div(one.gradient, scale);
  }
  if (!accumulates) return taken;
  const count = tf.scalar(accumulationSteps);
  for (const one of taken) {
    const { gradient: G, index } = one;
    const V = slots.accumulator[index]!;
    if (compute) {
      const expression = (phase === 'update' ? EXPRESSIONS.mean : EXPRESSIONS.sum)(program.unscale);
      one.gradient = compute(tf, expression, { G, V }, { scale: lossScale, count: accumulationSteps });
    } else {
      one.gradient = tf.add(G, V);
      if (phase === 'update') one.gradient = tf.div(one.gradient, count);
    }
    if (phase === 'accumulate') put(state, 'accumulator', index, one.gradient);
  }
  return taken;
}

function update(
  state: State,
  step: Step,
  taken: readonly Ordinary[],
  hosted: boolean,
  compute: Compute | undefined,
): void {
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
  if (program.clip !== 'none') clip(state, step, taken, hosted, compute !== undefined);
  const move = compute ? moverOf(state, step, compute) : mover(state, step);
  const moves: Tensor[] = [];
  for (const one of taken) {
    const { variable } = refs[one.index]!;
    const x = move(one);
    if (measures('update-norm')) moves.push(tf.sub(x, variable));
    variable.assign(x);
  }
  if (measures('update-norm')) measure(state, 'update', squares(moves));
  slots.accumulator.forEach((old, index) => {
    // by assignment: 0 * NaN is NaN
    if (old && old.size > 0) put(state, 'accumulator', index, tf.fill(old.shape, 0));
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
    const old = slots.momentum[index];
    if (!old) return tf.sub(x, own);
    const m = tf.sub(tf.mul(old, momentum), own);
    put(state, 'momentum', index, m);
    return tf.add(x, program.nesterov ? tf.sub(tf.mul(m, momentum), own) : m);
  };
}

/** The same in one pass for each tensor that is made. */
function moverOf(state: State, step: Step, compute: Compute): Move {
  const { tf, program, refs, slots } = state;
  return ({ index, gradient: G, factor: F }) => {
    const { decays, group } = program.variables[index]!;
    const { learningRate: lr, momentum: b, weightDecay: wd } = step.rates[group]!;
    const numbers = { lr, b, wd, limit: step.clipLimit };
    const factor = F ? { F } : {};
    const clipped = !F ? 'as it is' : program.clip === 'norm' ? 'by limit and factor' : 'by factor';
    const old = slots.momentum[index];
    const X = refs[index]!.variable;
    if (old)
      put(state, 'momentum', index, compute(tf, EXPRESSIONS.momentum(clipped), { M: old, G, ...factor }, numbers));
    const expression = EXPRESSIONS.value(decays, clipped, old !== undefined, program.nesterov);
    const M = slots.momentum[index];
    const inputs = M ? (program.nesterov ? { X, M, G, ...factor } : { X, M }) : { X, G, ...factor };
    return compute(tf, expression, inputs, numbers);
  };
}

/** Replaces the gradients by clipped ones; or, with `later`, says what they are to be multiplied by. */
function clip(
  { tf, program }: State,
  { clipLimit }: Step,
  taken: readonly Ordinary[],
  hosted: boolean,
  later: boolean,
): void {
  const limit = tf.scalar(clipLimit);
  if (program.clip === 'value') {
    const least = tf.scalar(-clipLimit);
    // the gradient first: so NaN stays NaN, which clipByValue loses on some engines
    for (const one of taken) one.gradient = tf.minimum(tf.maximum(one.gradient, least), limit);
    return;
  }
  if (taken.length === 0) return;
  const alone = program.clip === 'norm';
  if (hosted) hostNorms(tf, alone, clipLimit, limit, taken);
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
  const sums = taken.map(({ gradient }) => sumOfSquares(tf, gradient));
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
function sumOfSquares(tf: TensorFlow, tensor: Tensor): Tensor {
  const squares = tf.mul(tensor, tensor);
  if (tensor.size <= 1024) return tf.sum(squares);
  const flat = tf.reshape(squares, [tensor.size]);
  const width = 2 ** Math.ceil(Math.log2(tensor.size) / 2);
  const rows = Math.floor(tensor.size / width);
  const rest = tensor.size - rows * width;
  const body = rest === 0 ? flat : tf.slice(flat, 0, rows * width);
  const sum = tf.sum(tf.sum(tf.reshape(body, [rows, width]), 1));
  return rest === 0 ? sum : tf.add(sum, tf.sum(tf.slice(flat, rows * width, rest)));
}

/** Moves the averages of all averaged variables, and overwrites the variables by them. */
function average(state: State, { averageMomentum, averageOverwrite }: Step, compute: Compute | undefined): void {
  const { tf, refs, slots } = state;
  const rest = 1 - Math.fround(averageMomentum);
  const [keep, mix] = [tf.scalar(averageMomentum), tf.scalar(rest)];
  slots.average.forEach((A, index) => {
    if (!A || A.size === 0) return;
    const { variable: X } = refs[index]!;
    const next = compute
      ? compute(tf, EXPRESSIONS.average, { A, X }, { keep: averageMomentum, rest })
      : tf.add(tf.mul(keep, A), tf.mul(mix, X));
    put(state, 'average', index, next);
    // a real copy: slots may be written in place
    if (averageOverwrite) X.assign(tf.mul(next, 1));
  });
}
