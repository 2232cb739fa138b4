import type { Step } from '@sgd/core';
import { engineOf, isHosted } from '../engines.ts';
import { globalFactor, pairwiseSum, squares64 } from '../numbers.ts';
import { measure, type State } from '../state.ts';
import type { Tensor, TensorFlow } from '../tf.ts';

// Sums of squares of gradients, and what is done with them: they are clipped by and measured.

/** A gradient that moves its variable. */
export interface Ordinary {
  readonly index: number;
  gradient: Tensor;
  /** Of the elements of the gradient, where they are there already. */
  squares?: Tensor | undefined;
  /** A scalar that the gradient is still to be multiplied by; after the limit, where it is clipped by its own norm. */
  factor?: Tensor;
}

/** A sum of squares: a number on the host, a scalar on a device. */
export type Sum = number | Tensor;

/** Whether JavaScript reaches the values of the engine. */
export const onHost = (tf: TensorFlow): boolean => isHosted(engineOf(tf));

/**
 * The sums of squares that a clip needs: of each gradient, or of all together; none for a clip that needs no norm. On the host in numpy's
 * order, on a device in two stages.
 */
export function sumsOf({ tf, program: { clip: by } }: State, taken: readonly Ordinary[]): readonly Sum[] {
  if (!by.endsWith('norm') || taken.length === 0) return [];
  if (!onHost(tf)) {
    const sums = taken.map((one) => sumOfSquares(tf, one));
    return by === 'norm' ? sums : [total(tf, sums)];
  }
  const sums = Float32Array.from(taken, ({ gradient }) => {
    const values = gradient.dataSync<'float32'>();
    return pairwiseSum(values, true, 0, values.length);
  });
  return by === 'norm' ? Array.from(sums) : [pairwiseSum(sums, false, 0, sums.length)];
}

/** Replaces the gradients by clipped ones; or, with `later`, where it is by a norm, says what they are to be multiplied by. */
export function clip(
  { tf, program }: State,
  { clipLimit }: Step,
  taken: readonly Ordinary[],
  sums: readonly Sum[],
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
  if (onHost(tf)) hostClip(tf, alone, clipLimit, limit, taken, sums as readonly number[]);
  else deviceClip(tf, alone, clipLimit, limit, taken, sums as readonly Tensor[], later);
}

function hostClip(
  tf: TensorFlow,
  alone: boolean,
  clipLimit: number,
  limit: Tensor,
  taken: readonly Ordinary[],
  sums: readonly number[],
): void {
  if (alone) {
    taken.forEach((one, j) => {
      const norm = tf.scalar(Math.max(Math.sqrt(sums[j]!), Math.fround(clipLimit)));
      one.gradient = tf.div(tf.mul(one.gradient, limit), norm);
    });
    return;
  }
  const factor = tf.scalar(globalFactor(sums[0]!, clipLimit));
  for (const one of taken) one.gradient = tf.mul(one.gradient, factor);
}

function deviceClip(
  tf: TensorFlow,
  alone: boolean,
  clipLimit: number,
  limit: Tensor,
  taken: readonly Ordinary[],
  sums: readonly Tensor[],
  later: boolean,
): void {
  const norm = (sum: Tensor): Tensor => tf.where(tf.greater(sum, 0), tf.sqrt(sum), sum);
  const global = (): Tensor => {
    const n = norm(sums[0]!);
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

/** Where that is asked for: on the host in float64. */
export function measureGradients(state: State, taken: readonly Ordinary[]): void {
  const { tf, program } = state;
  if (!program.measure.has('gradient-norm')) return;
  const sums = taken.map((one) => (onHost(tf) ? squares64(one.gradient.dataSync<'float32'>()) : sumOfSquares(tf, one)));
  measure(state, 'gradient-norm', totalOf(tf, sums));
}

/** The squares of what a variable moved by: on the host in float64. */
export const moved = (tf: TensorFlow, x: Tensor, old: Tensor): Sum =>
  onHost(tf)
    ? squares64(x.dataSync<'float32'>(), old.dataSync<'float32'>())
    : sumOfSquares(tf, { index: 0, gradient: tf.sub(x, old) });

/** Where that is asked for. */
export function measureMoves(state: State, moves: readonly Sum[]): void {
  if (state.program.measure.has('update-norm')) measure(state, 'update-norm', totalOf(state.tf, moves));
}

const totalOf = (tf: TensorFlow, sums: readonly Sum[]): Sum =>
  onHost(tf) ? (sums as readonly number[]).reduce((sum, each) => sum + each, 0) : total(tf, sums as readonly Tensor[]);
