import type { DType } from '@sgd/core';
import { ROW } from './arena.ts';
import { isMixed } from './numbers.ts';
import { type Dim, DOUBLE, FLOAT, type Graph, model, newGraph } from './onnx.ts';
import {
  accumulate,
  average,
  globalFactor,
  gradient,
  notFinite,
  type Rule,
  rowSquares,
  squares,
  update,
} from './rule.ts';
import type { SGDProgram } from './sgd-program.ts';

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
export const ruleOf = ({ unscale, slots, clip, nesterov }: SGDProgram, decays: boolean): Rule => ({
  unscale,
  accumulates: slots.has('gradient_accumulator'),
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

/** What differs between memory on the host and on a GPU. */
interface Target {
  readonly type: number;
  readonly array: readonly Dim[];
  readonly number: (name: string) => readonly Dim[];
  /** Of one figure for all elements, or one for each row. */
  readonly figure: readonly Dim[];
  readonly squares: (graph: Graph, g: string, output: string) => string;
  /** See {@link Rule}. */
  readonly wide: boolean;
}

function makeModel(kind: Kind, program: SGDProgram, decays: boolean, target: Target): Model {
  const rule = { ...ruleOf(program, decays), wide: target.wide };
  const graph = newGraph('t');
  const used = new Set<string>();
  const at = (name: string): string => {
    used.add(name);
    return name;
  };
  const outputs: string[] = [];
  const figure = (name: string, type: number): string => {
    graph.output(name, type, target.figure);
    outputs.push(name);
    return name;
  };
  const byRow = target.figure.length > 0;
  const sums = byRow ? FLOAT : DOUBLE;
  if (program.finiteCheck && (kind === 'finite' || kind === 'norm'))
    notFinite(graph, at('g'), target.type, byRow, figure('bad', target.type));
  if (kind === 'norm') target.squares(graph, gradient(graph, rule, at), figure('sum', sums));
  if (kind === 'accumulate') accumulate(graph, rule, at);
  if (kind === 'average') average(graph, at('x'), at);
  if (kind === 'update') {
    const g = gradient(graph, rule, at);
    const inside =
      byRow && isInside(program)
        ? globalFactor(graph, graph.op('ReduceSum', [target.squares(graph, g, '')], { keepdims: 0 }), at)
        : undefined;
    update(graph, rule, g, (name) => (name === 'f' ? inside : undefined) ?? at(name));
    if (program.measure.has('update-norm')) {
      const [after, before] = ['x_', 'x'].map((x) => (byRow ? x : graph.op('Cast', [x], { to: DOUBLE })));
      target.squares(graph, graph.op('Sub', [after!, before!]), figure('moved', sums));
    }
  }
  const inputs = [...used].filter((name) => !name.endsWith('_'));
  const arrays = inputs.filter((name) => 'xgmva'.includes(name));
  const numbers = inputs.filter((name) => !arrays.includes(name));
  for (const name of arrays) graph.input(name, target.type, target.array);
  for (const name of numbers)
    graph.input(name, name === 'f' && target.wide ? DOUBLE : target.type, target.number(name));
  for (const name of used) {
    if (!name.endsWith('_')) continue;
    graph.output(name, target.type, target.array);
    outputs.push(name);
  }
  return { bytes: model(graph), arrays, numbers, outputs };
}

/** The model of a kind for pieces of arrays on the host, whose variables decay or don't. Sums are formed in float64. */
export const hostModel = (kind: Kind, program: SGDProgram, dtype: DType, decays: boolean): Model =>
  makeModel(kind, program, decays, {
    type: dtype === 'float64' ? DOUBLE : FLOAT,
    array: ['n'],
    number: (name) => [name === 'd' ? name : 1],
    figure: [],
    squares,
    wide: isMixed(program) && dtype === 'float32',
  });

/**
 * The model of a kind for matrices on a GPU, whose rows belong to variables: numbers may differ from row to row, and sums are formed row by row, as
 * there is no float64. Under a global norm `update` has all of that inside, so that nothing waits for the device; not where a finite check
 * waits anyway, and looks at the norm.
 */
export const gpuModel = (kind: Kind, program: SGDProgram): Model =>
  makeModel(
    kind,
    program,
    program.variables.some(({ decays }) => decays),
    { type: FLOAT, array: ['n', ROW], number: (name) => [name, 1], figure: ['n'], squares: rowSquares, wide: false },
  );

/** Whether an update on a GPU finds the norm itself. */
const isInside = ({ clip, finiteCheck }: SGDProgram): boolean => clip === 'global-norm' && !finiteCheck;

/** The kinds of runs that a program needs, on a GPU or on the host. */
export function needs(program: SGDProgram, onGpu = false): Kind[] {
  const { clip, finiteCheck, measure, slots } = program;
  const kinds: Kind[] = ['update'];
  if (finiteCheck) kinds.push('finite');
  if ((clip.endsWith('norm') && !(onGpu && isInside(program))) || measure.has('gradient-norm')) kinds.push('norm');
  if (slots.has('gradient_accumulator')) kinds.push('accumulate');
  if (slots.has('average')) kinds.push('average');
  return kinds;
}
