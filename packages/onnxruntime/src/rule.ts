import type { Clip } from '@sgd/core';
import { DOUBLE, FLOAT, type Graph, INT64 } from './onnx.ts';

/** What is done to a variable in a graph; all that changes from step to step are inputs of it. */
export interface Rule {
  readonly unscale: boolean;
  readonly accumulates: boolean;
  readonly clip: Clip;
  readonly decays: boolean;
  readonly momentum: boolean;
  readonly nesterov: boolean;
  /** Whether `f` is in float64 beside float32 gradients. */
  readonly wide?: boolean;
}

/**
 * The name in the graph of a tensor of the rule. Of a variable: `x` its value, `g` its gradient, `m`, `v` and `a` its momentum, accumulator
 * and average, `d` what its gradient is divided by under the clip `"norm"`; with `_` behind them, the new ones. Numbers of the step: `scale`
 * and `count` divide, `c` and `nc` are the limit and minus the limit, `f` the factor of a global norm; `lr`, `b` and `wd` are the rates,
 * `keep` and `mix` those of the average.
 */
export type At = (name: string) => string;

/** `g / scale`, as far as the rule asks for it. */
const unscaled = ({ op }: Graph, { unscale }: Rule, at: At): string =>
  unscale ? op('Div', [at('g'), at('scale')]) : at('g');

/** `v = g + v` */
export function accumulate(graph: Graph, rule: Rule, at: At): void {
  graph.op(`Add:${at('v_')}`, [unscaled(graph, rule, at), at('v')]);
}

/** The gradient of an updating step before it is clipped: `(g / scale + v) / count`. */
export function gradient(graph: Graph, rule: Rule, at: At): string {
  const g = unscaled(graph, rule, at);
  return rule.accumulates ? graph.op('Div', [graph.op('Add', [g, at('v')]), at('count')]) : g;
}

/** From the gradient to the new value, in Keras's order: clip, decay, momentum. */
export function update({ op }: Graph, { clip, decays, momentum, nesterov, wide }: Rule, g: string, at: At): void {
  if (clip === 'value') g = op('Min', [op('Max', [g, at('nc')]), at('c')]);
  else if (clip === 'norm') g = op('Div', [op('Mul', [g, at('c')]), at('d')]);
  else if (clip === 'global-norm' && wide)
    g = op('Cast', [op('Mul', [op('Cast', [g], { to: DOUBLE }), at('f')])], { to: FLOAT });
  else if (clip === 'global-norm') g = op('Mul', [g, at('f')]);
  let x = at('x');
  if (decays) x = op('Sub', [x, op('Mul', [op('Mul', [x, at('wd')]), at('lr')])]);
  const step = op('Mul', [g, at('lr')]);
  if (momentum) {
    const m = op(`Sub:${at('m_')}`, [op('Mul', [at('m'), at('b')]), step]);
    op(`Add:${at('x_')}`, [x, nesterov ? op('Sub', [op('Mul', [m, at('b')]), step]) : m]);
  } else op(`Sub:${at('x_')}`, [x, step]);
}

/** `a = (b * a) + ((1 - b) * x)` */
export function average({ op }: Graph, x: string, at: At): void {
  op(`Add:${at('a_')}`, [op('Mul', [at('a'), at('keep')]), op('Mul', [x, at('mix')])]);
}

/** `f` of the sum of all squares: `c * min(1 / n, rc) + (n - n)`, where `rc` is the limit's reciprocal. */
export function globalFactor({ op }: Graph, sum: string, at: At): string {
  const n = op('Sqrt', [sum]);
  const scaled = op('Mul', [at('c'), op('Min', [op('Reciprocal', [n]), at('rc')])]);
  return op('Add', [scaled, op('Sub', [n, n])]);
}

/** The sum of the squares in float64, which neither overflows nor loses what is small beside what is large. */
export const squares = ({ op }: Graph, g: string, output: string): string =>
  op(`ReduceSumSquare:${output}`, [op('Cast', [g], { to: DOUBLE })], { keepdims: 0 });

/** The sum of the squares where there is no float64. */
export const narrowSquares = ({ op }: Graph, g: string, output: string): string =>
  op(`ReduceSum:${output}`, [op('Mul', [g, g])], { keepdims: 0 });

/** The sums of the squares in each row of a matrix. */
export const rowSquares = ({ op, constant }: Graph, g: string, output: string): string => {
  const axes = constant(INT64, [1], BigInt64Array.of(1n));
  return op(`ReduceSum:${output}`, [op('Mul', [g, g]), axes], { keepdims: 0 });
};

/**
 * How many elements are not finite, by magnitude: compilers for GPUs fold `x !== x`.
 *
 * @param rows - whether they are counted for each row of a matrix, in place of all together
 */
export function notFinite({ op, constant }: Graph, g: string, type: number, rows: boolean, output: string): string {
  const [one, zero, largest] = [1, 0, type === FLOAT ? 3.4028234663852886e38 : Number.MAX_VALUE].map((value) =>
    constant(type, [1], type === FLOAT ? Float32Array.of(value) : Float64Array.of(value)),
  ) as [string, string, string];
  const bad = op('Where', [op('LessOrEqual', [op('Abs', [g]), largest]), zero, one]);
  const axes = rows ? [constant(INT64, [1], BigInt64Array.of(1n))] : [];
  return op(`ReduceSum:${output}`, [bad, ...axes], { keepdims: 0 });
}
