import type { Step } from '@sgd/core';
import { allFinite, globalFactor, pairwiseSum } from './numbers.ts';
import { type KeptSlot, measure, put, type State } from './state.ts';
import type { Tensor, TensorFlow } from './tf.ts';

// The fused path of the engine `cpu`: one pass over its arrays, in blocks that stay in the first-level cache from one loop to the
// next. Slots are written in place, as nobody else holds them. A variable gets a new array: the old one may be the user's.

/** What the engine `cpu` keeps of a tensor. */
export interface Arrays {
  readonly data: { get(dataId: object): { readonly values?: unknown } };
  refCount(dataId: object): number;
}

const BLOCK = 1024;
const q = new Float32Array(BLOCK);
const f = Math.fround;

/** The array of a tensor, brought here from another engine if need be. */
const arrayOf = (arrays: Arrays, tensor: Tensor): Float32Array => arrays.data.get(tensor.dataId).values as Float32Array;

/** The numbers of a step, in float32. */
interface Numbers {
  readonly scale: number;
  readonly count: number;
  readonly limit: number;
  readonly keep: number;
  readonly mix: number;
  readonly overwrites: boolean;
  factor: number;
  norm: number;
  gradientSquares: number;
  updateSquares: number;
}

/** What a variable has in a step. Arrays that it does not have are missing. */
interface Arguments {
  readonly g: Float32Array;
  readonly x: Float32Array;
  readonly m: Float32Array | undefined;
  readonly v: Float32Array | undefined;
  readonly a: Float32Array | undefined;
}

/** One step in loops over arrays. */
export function stepInLoops(
  state: State,
  step: Step,
  gradients: readonly Tensor[],
  indices: readonly number[],
): boolean {
  const { tf, program } = state;
  const arrays = tf.backend() as unknown as Arrays;
  const given = gradients.map((gradient) => arrayOf(arrays, gradient));
  if (program.finiteCheck && !given.every(allFinite)) return false;
  const updates = step.phase === 'update';
  const n: Numbers = {
    scale: program.unscale ? f(step.lossScale) : 1,
    count: f(step.accumulationSteps),
    limit: f(step.clipLimit),
    keep: f(step.averageMomentum),
    mix: f(1 - f(step.averageMomentum)),
    overwrites: step.averageOverwrite,
    factor: 1,
    norm: 0,
    gradientSquares: 0,
    updateSquares: 0,
  };
  const argumentsOf = (index: number, g: Float32Array): Arguments => ({
    g,
    x: arrayOf(arrays, state.refs[index]!.variable),
    m: owned(state, arrays, 'momentum', index),
    v: owned(state, arrays, 'accumulator', index),
    a: owned(state, arrays, 'average', index),
  });
  const all = given.map((g, j) => argumentsOf(indices[j]!, g));
  const ordinary = indices.map((index) => !program.variables[index]!.overwrites);
  const sums = updates ? sumsOf(state, n, step, all, ordinary) : [];
  if (!sums) return false;
  indices.forEach((index, j) => {
    const its = all[j]!;
    if (!ordinary[j]) overwrite(state, index, its, updates);
    else if (updates) {
      n.norm = Math.max(f(Math.sqrt(sums[j] ?? 0)), n.limit);
      assign(tf, state.refs[index]!.variable, update(state, n, step, index, its));
    } else accumulate(its, n.scale);
  });
  if (!step.ordinary) return true;
  if (updates && program.measure.has('gradient-norm')) measure(state, 'gradient', n.gradientSquares);
  if (updates && program.measure.has('update-norm')) measure(state, 'update', n.updateSquares);
  rest(state, arrays, n, indices, updates);
  return true;
}

/** The array of a slot, to be written to: a new one when somebody else holds the tensor's. */
function owned(state: State, arrays: Arrays, kind: KeptSlot, index: number): Float32Array | undefined {
  const tensor = state.slots[kind][index];
  if (!tensor) return undefined;
  const values = arrayOf(arrays, tensor);
  if (arrays.refCount(tensor.dataId) < 2) return values;
  const copy = values.slice();
  put(state, kind, index, made(state.tf, copy, tensor.shape));
  return copy;
}

const made = (tf: TensorFlow, values: Float32Array, shape: number[]): Tensor =>
  tf.engine().makeTensor(values, shape, 'float32');

function assign(tf: TensorFlow, variable: State['refs'][number]['variable'], values: Float32Array): void {
  const tensor = made(tf, values, variable.shape);
  variable.assign(tensor);
  tensor.dispose();
}

/** Puts elements of a gradient before it is clipped into the block. */
function fill({ g, v }: Pick<Arguments, 'g' | 'v'>, { scale, count }: Numbers, from: number, to: number): number {
  const length = to - from;
  if (scale === 1) for (let t = 0; t < length; t++) q[t] = g[from + t]!;
  else for (let t = 0; t < length; t++) q[t] = g[from + t]! / scale;
  if (v) {
    for (let t = 0; t < length; t++) q[t]! += v[from + t]!;
    for (let t = 0; t < length; t++) q[t]! /= count;
  }
  return 0;
}

/**
 * Sums of squares of the gradients, where a clip needs them; under a global norm also the factor. `null` when the step is to be dropped, as a
 * norm is not finite.
 */
function sumsOf(
  { program }: State,
  n: Numbers,
  { clipLimit }: Step,
  all: readonly Arguments[],
  ordinary: readonly boolean[],
): ArrayLike<number> | null {
  if (!program.clip.endsWith('norm')) return [];
  const sums = all.map((its, j) =>
    ordinary[j] ? pairwiseSum(q, true, 0, its.g.length, (from, to) => fill(its, n, from, to)) : 0,
  );
  const taken = Float32Array.from(sums.filter((_, j) => ordinary[j]));
  const total = pairwiseSum(taken, false, 0, taken.length);
  if (program.finiteCheck && !(program.clip === 'norm' ? taken.every(Number.isFinite) : total < Infinity)) return null;
  n.factor = globalFactor(total, clipLimit);
  return sums;
}

/** An updating step of one variable; gives its new values. */
function update({ program }: State, n: Numbers, step: Step, index: number, its: Arguments): Float32Array {
  const { x, m, v, a } = its;
  const { clip, measure: measures, nesterov } = program;
  const { decays, group } = program.variables[index]!;
  const rates = step.rates[group]!;
  const lr = f(rates.learningRate);
  const b = f(rates.momentum);
  const wd = f(rates.weightDecay);
  const y = new Float32Array(x.length);
  for (let from = 0; from < x.length; from += BLOCK) {
    const to = Math.min(from + BLOCK, x.length);
    const length = to - from;
    fill(its, n, from, to);
    if (v) v.fill(0, from, to);
    if (measures.has('gradient-norm')) for (let t = 0; t < length; t++) n.gradientSquares += q[t]! * q[t]!;
    if (clip === 'value') clipValue(n.limit, length);
    else if (clip === 'norm') clipNorm(n.limit, n.norm, length);
    else if (clip === 'global-norm') scaleBy(n.factor, length);
    scaleBy(lr, length);
    if (decays) for (let i = from; i < to; i++) y[i] = x[i]! - f(f(x[i]! * wd) * lr);
    else for (let i = from; i < to; i++) y[i] = x[i]!;
    if (m) (nesterov ? lookAhead : roll)(y, m, b, from, to);
    else for (let t = 0; t < length; t++) y[from + t]! -= q[t]!;
    if (measures.has('update-norm')) for (let i = from; i < to; i++) n.updateSquares += (y[i]! - x[i]!) ** 2;
    if (a) average(y, a, n, from, to);
  }
  return y;
}

// Loops over the block.

function scaleBy(factor: number, length: number): void {
  for (let t = 0; t < length; t++) q[t]! *= factor;
}

function clipValue(limit: number, length: number): void {
  for (let t = 0; t < length; t++) q[t] = Math.min(Math.max(q[t]!, -limit), limit);
}

function clipNorm(limit: number, norm: number, length: number): void {
  for (let t = 0; t < length; t++) q[t]! *= limit;
  for (let t = 0; t < length; t++) q[t]! /= norm;
}

function roll(y: Float32Array, m: Float32Array, b: number, from: number, to: number): void {
  for (let i = from, t = 0; i < to; i++, t++) {
    const moved = f(f(m[i]! * b) - q[t]!);
    m[i] = moved;
    y[i]! += moved;
  }
}

function lookAhead(y: Float32Array, m: Float32Array, b: number, from: number, to: number): void {
  for (let i = from, t = 0; i < to; i++, t++) {
    const moved = f(f(m[i]! * b) - q[t]!);
    m[i] = moved;
    y[i]! += f(f(moved * b) - q[t]!);
  }
}

function average(y: Float32Array, a: Float32Array, { keep, mix, overwrites }: Numbers, from: number, to: number): void {
  for (let i = from; i < to; i++) a[i] = f(keep * a[i]!) + f(mix * y[i]!);
  if (overwrites) for (let i = from; i < to; i++) y[i] = a[i]!;
}

/** `v = g / scale + v` */
function accumulate({ g, v }: Arguments, scale: number): void {
  if (!v) return;
  if (scale === 1) for (let i = 0; i < g.length; i++) v[i]! += g[i]!;
  else for (let i = 0; i < g.length; i++) v[i]! += f(g[i]! / scale);
}

/** A variable that its gradient replaces; with an accumulator, the largest of its gradients. */
function overwrite({ tf, refs }: State, index: number, { g, v }: Arguments, updates: boolean): void {
  if (v) for (let i = 0; i < g.length; i++) v[i] = Math.max(v[i]!, g[i]!);
  if (v && !updates) return;
  assign(tf, refs[index]!.variable, (v ?? g).slice());
  v?.fill(0);
}

/** The variables that did not move: their averages, and all accumulators. */
function rest(state: State, arrays: Arrays, n: Numbers, indices: readonly number[], updates: boolean): void {
  const { tf, program, refs } = state;
  const moved = new Set(updates ? indices : []);
  program.variables.forEach((_, index) => {
    if (moved.has(index)) return;
    if (updates) owned(state, arrays, 'accumulator', index)?.fill(0);
    const a = owned(state, arrays, 'average', index);
    if (!a) return;
    const { variable } = refs[index]!;
    const x = arrayOf(arrays, variable);
    const y = n.overwrites ? x.slice() : x;
    average(y, a, n, 0, y.length);
    if (n.overwrites) assign(tf, variable, y);
  });
}
