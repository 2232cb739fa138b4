import type { Program, ProgramVariable } from '@sgd/core';
import {
  BLOCK,
  FINITE,
  GRADIENT,
  type Kernels,
  type List,
  type Lists,
  OVERWRITE,
  type Plan,
  type Stage,
  UPDATE,
} from './plan.ts';

// Stages for both types. They are rare or only copy.

const overwrite: Stage = ({ variable: x }, g, o, i, e) => {
  for (; i < e; i++) x[i] = g[i - o]!;
};

const largest: Stage = ({ accumulator: v }, g, o, i, e) => {
  for (; i < e; i++) v[i] = Math.max(v[i]!, g[i - o]!);
};

const take: Stage = ({ variable: x, accumulator: v }, _g, _o, i, e) => {
  for (; i < e; i++) x[i] = v[i]!;
};

const reset: Stage = ({ accumulator: v }, _g, _o, i, e) => {
  v.fill(0, i, e);
};

/** Where averages overwrite in this step. */
const assign: Stage = ({ variable: x, average: a, w }, _g, _o, i, e) => {
  if (w[OVERWRITE]) for (; i < e; i++) x[i] = a[i]!;
};

const finite: Stage = ({ w }, g, o, i, e) => {
  for (; i < e; i++) w[FINITE]! += g[i - o]! - g[i - o]!;
};

const gradientNorm: Stage = ({ w }, g, o, i, e) => {
  for (; i < e; i++) w[GRADIENT]! += g[i - o]! * g[i - o]!;
};

const old = new Float64Array(BLOCK);

const before: Stage = ({ variable: x }, _g, _o, i, e) => {
  for (let t = 0; i < e; i++, t++) old[t] = x[i]!;
};

const updateNorm: Stage = ({ variable: x, w }, _g, _o, i, e) => {
  for (let t = 0; i < e; i++, t++) w[UPDATE]! += (x[i]! - old[t]!) ** 2;
};

type Composed = Pick<Plan, 'given' | 'idle' | 'look'>;

/** The stages that stand behind a condition that holds. */
const list = (...all: readonly (Stage | false)[]): List => all.filter((stage) => stage !== false);

/** What is run for a variable. Everything that does not change from step to step is decided here. */
export function compose(program: Program, { decays, overwrites }: ProgramVariable, kernels: Kernels): Composed {
  const [unscale, mean, clipValue, clipNorm, clipGlobal, accumulate, decay, plain, momentum, nesterov, average] =
    kernels;
  const { slots, clip, measure } = program;
  const accumulates = slots.has('accumulator');
  const averages = slots.has('average') && !overwrites;
  const tail = [averages && average, averages && assign];
  const look = list(program.finiteCheck && finite);
  const idle: Lists = [list(...tail), list(accumulates && reset, ...tail)];
  if (overwrites) {
    const given: Lists = accumulates ? [[largest], [largest, take, reset]] : [[overwrite], [overwrite]];
    return { given, idle, look: [look, look] };
  }
  const scaled = program.unscale && unscale;
  const gradient = [scaled, accumulates && mean];
  const norm = clip.endsWith('norm');
  const moves = measure.has('update-norm');
  return {
    given: [
      list(scaled, accumulate, ...tail),
      list(
        ...gradient,
        accumulates && reset,
        measure.has('gradient-norm') && gradientNorm,
        clip === 'value' && clipValue,
        clip === 'norm' && clipNorm,
        clip === 'global-norm' && clipGlobal,
        moves && before,
        decays && decay,
        !slots.has('momentum') ? plain : program.nesterov ? nesterov : momentum,
        moves && updateNorm,
        ...tail,
      ),
    ],
    idle,
    look: [look, norm ? list(...look, ...gradient) : look],
  };
}
