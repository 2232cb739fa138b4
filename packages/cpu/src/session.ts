import { type FloatArray, type Program, type Session, SgdError, type Slot, type Step } from '@sgd/core';
import {
  COUNT,
  FACTOR,
  FINITE,
  GRADIENT,
  KEEP,
  LIMIT,
  MIX,
  NORMS,
  OVERWRITE,
  type Plan,
  RATES,
  SCALE,
  type List,
  type Type,
  UPDATE,
} from './plan.ts';
import { makePlans } from './plans.ts';
import { run, sum } from './run.ts';
import { arrayOf, type CpuGradient, type CpuVariable } from './tensor.ts';

const none: List = [];

/** Rounds the numbers of a step to a type. */
function round({ k }: Type, step: Step): void {
  k[SCALE] = step.lossScale;
  k[COUNT] = step.accumulationSteps;
  k[LIMIT] = step.clipLimit;
  k[KEEP] = step.averageMomentum;
  k[MIX] = 1 - k[KEEP]!;
  for (let i = 0, r = RATES; r < k.length; i++) {
    const { learningRate, momentum, weightDecay } = step.rates[i]!;
    k[r++] = learningRate;
    k[r++] = momentum;
    k[r++] = weightDecay;
  }
}

/** Forms what `clipGlobal` multiplies by from `count` sums of squares, in their widest type, as Keras does. */
function factor(p: Plan, count: number, limit: number): void {
  const { sums, squares, ones } = p.type;
  sum(none, p, squares, ones, 0, count, 0);
  sums[0] = Math.sqrt(sums[0]!);
  sums[1] = 1 / sums[0];
  sums[2] = 1 / limit;
  sums[3] = limit;
  sums[1] = sums[3] * Math.min(sums[1], sums[2]);
  sums[0] -= sums[0];
  sums[0] += sums[1];
  p.w[FACTOR] = sums[0];
}

/** Makes the session: takes the variables, makes the slots. */
export function openSession(
  program: Program,
  variables: readonly CpuVariable[],
  close: () => void,
): Session<CpuVariable, CpuGradient, 'sync'> {
  const { clip, finiteCheck, slots, measure } = program;
  const w = new Float64Array(NORMS + variables.length);
  let plans = makePlans(program, variables, w);
  const types = [...new Set(plans.map((p) => p.type))];
  const global = clip === 'global-norm';
  const norms = global || clip === 'norm';
  const idles = slots.has('accumulator') || slots.has('average');
  const constrains = plans.some((p) => p.constraint);
  let open = true;
  let updated = false;

  const check = (): void => {
    if (!open) throw new SgdError('SGD_DISPOSED', 'the session was disposed of');
    for (let i = 0; i < plans.length; i++) {
      const { variable, size } = plans[i]!;
      if (variable.length !== size) {
        throw new SgdError(
          'SGD_DETACHED',
          `"${program.variables[i]!.path}" has ${variable.length} elements left of ${size}`,
        );
      }
    }
  };
  const values = ({ slot, index }: { slot: Slot; index: number }): FloatArray => {
    const found = plans[index]?.[slot];
    if (!found) throw new SgdError('SGD_UNKNOWN_VARIABLE', `variable ${index} has no ${slot}`);
    return found;
  };
  check();

  /** The pass that only reads. */
  const look = (
    step: Step,
    reduces: boolean,
    gradients: readonly CpuGradient[],
    indices: readonly number[],
  ): boolean => {
    let count = 0;
    let widest: Plan | undefined;
    w[FINITE] = 0;
    for (let j = 0; j < indices.length; j++) {
      const p = plans[indices[j]!]!;
      const g = arrayOf(gradients[j]!);
      const list = p.look[reduces ? 1 : 0];
      if (!reduces || p.overwrites) {
        run(list, p, g);
        continue;
      }
      const { sums } = p.type;
      sum(list, p, g, null, 0, p.size, 0);
      for (let t = 0; t < types.length; t++) types[t]!.squares[count] = sums[0]!;
      count++;
      if (sums[0]! > 0) sums[0] = Math.sqrt(sums[0]!);
      w[p.i] = Math.max(sums[0]!, p.k[LIMIT]!);
      if (!(widest && widest.k.BYTES_PER_ELEMENT > p.k.BYTES_PER_ELEMENT)) widest = p;
    }
    if (global && widest) factor(widest, count, step.clipLimit);
    return w[FINITE] === 0;
  };

  return {
    variables: [...variables],
    step(step, gradients, indices) {
      check();
      for (let t = 0; t < types.length; t++) round(types[t]!, step);
      const { ordinary } = step;
      const updates = step.phase === 'update';
      const way = updates ? 1 : 0;
      const reduces = updates && norms;
      if ((finiteCheck || reduces) && !look(step, reduces, gradients, indices)) return false;
      w[OVERWRITE] = step.averageOverwrite ? 1 : 0;
      if (updates && ordinary) {
        w[GRADIENT] = w[UPDATE] = 0;
        updated = true;
      }
      for (let j = 0; j < indices.length; j++) {
        const p = plans[indices[j]!]!;
        run(p.given[way], p, arrayOf(gradients[j]!));
        p.touched = true;
      }
      if (idles) {
        for (let i = 0; i < plans.length; i++) {
          const p = plans[i]!;
          if (ordinary && !p.touched) run(p.idle[way], p, p.variable);
          p.touched = false;
        }
      }
      if (constrains) {
        for (let j = 0; j < indices.length; j++) {
          const { overwrites, constraint, variable, shape } = plans[indices[j]!]!;
          if (!overwrites) constraint?.(variable, shape);
        }
      }
      return true;
    },
    averages(action) {
      check();
      for (const { variable: x, average: a } of plans) {
        if (!a) continue;
        for (let i = 0; i < x.length; i++) {
          const value = x[i]!;
          x[i] = a[i]!;
          if (action === 'swap') a[i] = value;
        }
      }
    },
    // copied before the promise is returned
    async read(entries) {
      check();
      return entries.map((entry) => values(entry).slice());
    },
    async write(entries) {
      check();
      const targets = entries.map((entry) => {
        const target = values(entry);
        const came = entry.values.length;
        if (came === target.length) return target;
        const { path } = program.variables[entry.index]!;
        throw new SgdError(
          'SGD_STATE_MISMATCH',
          `${entry.slot} of "${path}": ${came} values, expected ${target.length}`,
        );
      });
      targets.forEach((target, i) => target.set(entries[i]!.values));
    },
    async measured() {
      return {
        ...(updated && measure.has('gradient-norm') && { gradientNorm: Math.sqrt(w[GRADIENT]!) }),
        ...(updated && measure.has('update-norm') && { updateNorm: Math.sqrt(w[UPDATE]!) }),
      };
    },
    dispose() {
      open = false;
      plans = [];
      close();
    },
  };
}
