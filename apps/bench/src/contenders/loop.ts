import type { SGDOptions } from '@sgd/core';
import type { Contender } from '../contender.ts';
import { arraysKept } from '../options.ts';

const f = Math.fround;

/** The loops that one writes by hand: one for each set of options, rounding after every operation as Keras does. */
export const loop: Contender = {
  name: 'loop',
  memory: (set, { elements }) => 4 * elements * arraysKept(set),
  start({ set: { options }, variables, gradients }) {
    const x = variables();
    return {
      step: rule(options)(options, x, gradients),
      weights: () => Promise.resolve(x.map((values) => values.slice())),
      dispose() {},
    };
  },
};

type Arrays = readonly Float32Array[];
type Rule = (options: SGDOptions, x: Arrays, g: Arrays) => () => void;

function rule({ nesterov: ahead, momentum: beta }: SGDOptions): Rule {
  if (ahead) return nesterov;
  return beta ? momentum : plain;
}

// The loops are functions of their own with all they need in parameters: that is how V8 runs them fastest.

function plainLoop(x: Float32Array, g: Float32Array, lr: number): void {
  for (let i = 0; i < x.length; i++) x[i] = f(x[i]! - f(g[i]! * lr));
}

function momentumLoop(x: Float32Array, m: Float32Array, g: Float32Array, lr: number, b: number): void {
  for (let i = 0; i < x.length; i++) {
    const moved = f(f(m[i]! * b) - f(g[i]! * lr));
    m[i] = moved;
    x[i] = f(x[i]! + moved);
  }
}

/** Nesterov momentum after weight decay, with the gradient times a factor. */
function nesterovLoop(x: Float32Array, m: Float32Array, g: Float32Array, { lr, b, wd }: Rates, factor: number): void {
  for (let i = 0; i < x.length; i++) {
    const decayed = f(x[i]! - f(f(x[i]! * wd) * lr));
    const step = f(f(g[i]! * factor) * lr);
    const moved = f(f(m[i]! * b) - step);
    m[i] = moved;
    x[i] = f(decayed + f(f(moved * b) - step));
  }
}

function averageLoop(a: Float32Array, x: Float32Array, keep: number, mix: number): void {
  for (let i = 0; i < x.length; i++) a[i] = f(f(keep * a[i]!) + f(mix * x[i]!));
}

function accumulateLoop(v: Float32Array, g: Float32Array, scale: number): void {
  for (let i = 0; i < v.length; i++) v[i] = f(f(g[i]! / scale) + v[i]!);
}

/** The mean of what was accumulated, in its place. */
function meanLoop(v: Float32Array, g: Float32Array, scale: number, every: number): void {
  for (let i = 0; i < v.length; i++) v[i] = f(f(f(g[i]! / scale) + v[i]!) / every);
}

/** The squares are summed from left to right, as one does by hand; Keras sums in another order. */
function squaresLoop(g: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < g.length; i++) sum = f(sum + f(g[i]! * g[i]!));
  return sum;
}

/** What a global norm multiplies by. */
function factorOf(gradients: Arrays, limit: number): number {
  let sum = 0;
  for (const g of gradients) sum = f(sum + squaresLoop(g));
  return f(f(limit) * Math.min(f(1 / f(Math.sqrt(sum))), f(1 / limit)));
}

interface Rates {
  readonly lr: number;
  readonly b: number;
  readonly wd: number;
}

const zeros = (arrays: Arrays): Float32Array[] => arrays.map(({ length }) => new Float32Array(length));

function plain({ learningRate }: SGDOptions, x: Arrays, g: Arrays): () => void {
  const lr = f(learningRate as number);
  return () => {
    for (let v = 0; v < x.length; v++) plainLoop(x[v]!, g[v]!, lr);
  };
}

function momentum({ learningRate, momentum: beta = 0 }: SGDOptions, x: Arrays, g: Arrays): () => void {
  const lr = f(learningRate as number);
  const b = f(beta);
  const m = zeros(x);
  return () => {
    for (let v = 0; v < x.length; v++) momentumLoop(x[v]!, m[v]!, g[v]!, lr, b);
  };
}

/** Nesterov momentum and weight decay, and whatever else is set. */
function nesterov(options: SGDOptions, x: Arrays, g: Arrays): () => void {
  const { globalClipnorm: limit, useEma } = options;
  const rates = { lr: f(options.learningRate as number), b: f(options.momentum!), wd: f(options.weightDecay!) };
  const scale = f(options.lossScaleFactor ?? 1);
  const every = options.gradientAccumulationSteps ?? 1;
  const m = zeros(x);
  const a = useEma ? zeros(x) : [];
  const sums = every > 1 ? zeros(x) : [];
  const gradients = every > 1 ? sums : g;
  const update = (): void => {
    for (let v = 0; v < sums.length; v++) meanLoop(sums[v]!, g[v]!, scale, every);
    const factor = limit ? factorOf(gradients, limit) : 1;
    for (let v = 0; v < x.length; v++) nesterovLoop(x[v]!, m[v]!, gradients[v]!, rates, factor);
    for (const sum of sums) sum.fill(0);
  };
  let steps = 0;
  return () => {
    const keep = steps < every ? 0 : f(options.emaMomentum ?? 0.99);
    if (++steps % every === 0) update();
    else for (let v = 0; v < sums.length; v++) accumulateLoop(sums[v]!, g[v]!, scale);
    for (let v = 0; v < a.length; v++) averageLoop(a[v]!, x[v]!, keep, f(1 - keep));
  };
}
