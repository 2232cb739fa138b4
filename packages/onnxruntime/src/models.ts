import type { DType, Program } from '@sgd/core';
import { DOUBLE, FLOAT, model, newGraph } from './onnx.ts';
import { accumulate, average, gradient, notFinite, type Rule, squares, update } from './rule.ts';

/** A model over a piece of memory, and what goes in and out of it. */
export interface Model {
  readonly bytes: Uint8Array;
  /** Inputs as long as the piece. */
  readonly arrays: readonly string[];
  /** Numbers of the step, in arrays of one element; `d` may be as long as the piece. */
  readonly numbers: readonly string[];
  /** `x_` takes the place of `x`; those without `_` are figures. */
  readonly outputs: readonly string[];
}

/** The rule of a program for variables that decay or don't. */
export const ruleOf = ({ unscale, slots, clip, nesterov }: Program, decays: boolean): Rule => ({
  unscale,
  accumulates: slots.has('accumulator'),
  clip,
  decays,
  momentum: slots.has('momentum'),
  nesterov,
});

/**
 * What is run on a piece in a step. `finite` gives `bad`, the number of elements that are not finite; `norm` the same, if the program asks for it,
 * and `sum`, the squares of the gradient; `update` gives `moved`, the squares of what the value moved by, if that is measured.
 */
export type Kind = 'finite' | 'norm' | 'accumulate' | 'update' | 'average';

/** The model of a kind for variables of a type that decay or don't. */
export function hostModel(kind: Kind, program: Program, dtype: DType, decays: boolean): Model {
  const rule = ruleOf(program, decays);
  const graph = newGraph('t');
  const type = dtype === 'float64' ? DOUBLE : FLOAT;
  const used = new Set<string>();
  const at = (name: string): string => {
    used.add(name);
    return name;
  };
  const outputs: string[] = [];
  const figure = (name: string, of: number): string => {
    graph.output(name, of, []);
    outputs.push(name);
    return name;
  };
  if (program.finiteCheck && (kind === 'finite' || kind === 'norm'))
    notFinite(graph, at('g'), type, false, figure('bad', type));
  if (kind === 'norm') squares(graph, gradient(graph, rule, at), figure('sum', DOUBLE));
  if (kind === 'accumulate') accumulate(graph, rule, at);
  if (kind === 'average') average(graph, at('x'), at);
  if (kind === 'update') {
    update(graph, rule, gradient(graph, rule, at), at);
    if (program.measure.has('update-norm')) squares(graph, graph.op('Sub', ['x_', 'x']), figure('moved', DOUBLE));
  }
  const inputs = [...used].filter((name) => !name.endsWith('_'));
  const arrays = inputs.filter((name) => 'xgmva'.includes(name));
  const numbers = inputs.filter((name) => !arrays.includes(name));
  for (const name of arrays) graph.input(name, type, ['n']);
  for (const name of numbers) graph.input(name, type, [name === 'd' ? name : 1]);
  for (const name of used) {
    if (!name.endsWith('_')) continue;
    graph.output(name, type, ['n']);
    outputs.push(name);
  }
  return { bytes: model(graph), arrays, numbers, outputs };
}

/** The kinds of runs that a program needs. */
export function needs({ clip, finiteCheck, measure, slots }: Program): Kind[] {
  const kinds: Kind[] = ['update'];
  if (finiteCheck) kinds.push('finite');
  if (clip.endsWith('norm') || measure.has('gradient-norm')) kinds.push('norm');
  if (slots.has('accumulator')) kinds.push('accumulate');
  if (slots.has('average')) kinds.push('average');
  return kinds;
}
