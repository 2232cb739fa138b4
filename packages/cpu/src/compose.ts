import type { Program, ProgramVariable } from '@sgd/core';
import type { Kernels, List, Stage, Stages } from './plan.ts';

const overwrite: Stage = ({ x }, g, o, i, e) => {
  for (; i < e; i++) x[i] = g[i - o]!;
};

const take: Stage = ({ x, v }, _g, _o, i, e) => {
  for (; i < e; i++) {
    x[i] = v[i]!;
    v[i] = 0;
  }
};

const reset: Stage = ({ v }, _g, _o, i, e) => {
  v.fill(0, i, e);
};

/** `[accumulating, and averages overwrite, updating, and averages overwrite]` */
const fourWays = (accumulating: List, updating: List, averages: readonly List[]): readonly List[] =>
  [accumulating, accumulating, updating, updating].map((list, way) => [...list, ...averages[way & 1]!]);

function overwriting(program: Program, kernels: Kernels): Stages {
  const look = program.finiteCheck ? [kernels.finite] : [];
  const accumulates = program.slots.has('accumulator');
  return {
    given: fourWays([kernels.largest], accumulates ? [kernels.largest, take] : [overwrite], [[], []]),
    idle: fourWays([], accumulates ? [reset] : [], [[], []]),
    look: [look, look],
  };
}

const prepared = (program: Program, kernels: Kernels): List => [
  ...(program.unscale ? [kernels.unscale] : []),
  ...(program.slots.has('accumulator') ? [kernels.mean] : []),
];

function clipped({ clip }: Program, kernels: Kernels): List {
  if (clip === 'none') return [];
  return [clip === 'value' ? kernels.clipValue : clip === 'norm' ? kernels.clipNorm : kernels.clipGlobal];
}

function rule(program: Program, { decays }: ProgramVariable, kernels: Kernels): List {
  if (!program.slots.has('momentum')) return decays ? kernels.plainDecay : kernels.plain;
  if (program.nesterov) return decays ? kernels.nesterovDecay : kernels.nesterov;
  return decays ? kernels.momentumDecay : kernels.momentum;
}

/** What is run for a variable in each kind of step. Everything that does not change from step to step is decided here. */
export function compose(program: Program, variable: ProgramVariable, kernels: Kernels): Stages {
  if (variable.overwrites) return overwriting(program, kernels);
  const { finiteCheck, measure, slots, unscale, clip } = program;
  const accumulates = slots.has('accumulator');
  const averages = slots.has('average') ? [kernels.average, kernels.averageOver] : [[], []];
  const look = finiteCheck ? [kernels.finite] : [];
  const gradient = prepared(program, kernels);
  const moves = measure.has('update-norm');
  const updating = [
    ...gradient,
    ...(accumulates ? [reset] : []),
    ...(measure.has('gradient-norm') ? [kernels.gradientNorm] : []),
    ...clipped(program, kernels),
    ...(moves ? [kernels.before] : []),
    ...rule(program, variable, kernels),
    ...(moves ? [kernels.moved] : []),
  ];
  const needsNorm = clip === 'norm' || clip === 'global-norm';
  return {
    given: fourWays([...(unscale ? [kernels.unscale] : []), kernels.accumulate], updating, averages),
    idle: fourWays([], accumulates ? [reset] : [], averages),
    look: [look, needsNorm ? [...look, ...gradient, kernels.square] : look],
  };
}
