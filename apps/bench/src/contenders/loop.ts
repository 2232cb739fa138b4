import type { SGDOptions } from '@sgd/core';
import type { Contender } from '../contender.ts';

const f = Math.fround;

/** The loops that one writes by hand: one for each set of options, rounding after every operation as Keras does. */
export const loop: Contender = {
  name: 'plain loop',
  start: ({ options }, x, g) => {
    if (options.nesterov) return nesterov(options, x, g);
    return options.momentum ? momentum(options, x, g) : plain(options, x, g);
  },
};

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

/** What a global norm multiplies by. The squares are summed from left to right, as one does by hand; Keras sums in another order. */
function factorOf(g: Float32Array, limit: number): number {
  let sum = 0;
  for (let i = 0; i < g.length; i++) sum = f(sum + f(g[i]! * g[i]!));
  return f(f(limit) * Math.min(f(1 / f(Math.sqrt(sum))), f(1 / limit)));
}

interface Rates {
  readonly lr: number;
  readonly b: number;
  readonly wd: number;
}

function plain({ learningRate }: SGDOptions, x: Float32Array, g: Float32Array): () => void {
  const lr = f(learningRate as number);
  return () => plainLoop(x, g, lr);
}

function momentum({ learningRate, momentum: beta = 0 }: SGDOptions, x: Float32Array, g: Float32Array): () => void {
  const lr = f(learningRate as number);
  const b = f(beta);
  const m = new Float32Array(x.length);
  return () => momentumLoop(x, m, g, lr, b);
}

/** Nesterov momentum and weight decay, and whatever else is set. */
function nesterov(options: SGDOptions, x: Float32Array, g: Float32Array): () => void {
  const { globalClipnorm: limit, useEma } = options;
  const rates = { lr: f(options.learningRate as number), b: f(options.momentum!), wd: f(options.weightDecay!) };
  const scale = f(options.lossScaleFactor ?? 1);
  const every = options.gradientAccumulationSteps ?? 1;
  const m = new Float32Array(x.length);
  const a = new Float32Array(useEma ? x.length : 0);
  const v = new Float32Array(every > 1 ? x.length : 0);
  let steps = 0;
  return () => {
    const keep = steps < every ? 0 : f(options.emaMomentum ?? 0.99);
    if (++steps % every !== 0) accumulateLoop(v, g, scale);
    else {
      if (every > 1) meanLoop(v, g, scale, every);
      const gradient = every > 1 ? v : g;
      nesterovLoop(x, m, gradient, rates, limit ? factorOf(gradient, limit) : 1);
      v.fill(0);
    }
    if (useEma) averageLoop(a, x, keep, f(1 - keep));
  };
}
