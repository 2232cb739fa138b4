import type { Measured, Program, Step } from '@sgd/core';
import type { Arena } from './arena.ts';
import * as at from './layout.ts';
import { optionsOf } from './options.ts';
import type { Tensor } from './tensor.ts';

/** What kernels read of a session, in one piece of the arena. */
export interface Records {
  /** Runs the kernels over gradients in their order, of variables of these indices; gives whether they took the step. */
  run(step: Step, gradients: readonly number[], indices: readonly number[]): boolean;
  /** The figures of the last updating step. */
  measured(): Measured;
}

/** Makes them for these tensors: the numbers of a step, the rates of each group, a record of each variable, gradients in their order, room for as many sums. */
export function makeRecords(
  arena: Arena,
  program: Program,
  tensors: readonly (readonly (Tensor | undefined)[])[],
  make: (length: number) => Tensor,
): Records {
  const { variables, measure } = program;
  const options = optionsOf(program);
  const records = at.NUMBERS + at.RATES * (1 + Math.max(...variables.map((v) => v.group)));
  const order = records + at.RECORD * variables.length;
  const { at: base } = make(order + 2 * variables.length);
  const word = base / 4;
  let updated = false;
  const { words } = arena;
  tensors.forEach((all, i) => {
    const { group, decays, overwrites } = variables[i]!;
    const record = word + records + at.RECORD * i;
    all.forEach((tensor, j) => tensor && (words[record + j] = tensor.at));
    words[record + at.SIZE] = 4 * all[0]!.length;
    words[record + at.RATES_AT] = base + 4 * (at.NUMBERS + at.RATES * group);
    words[record + at.OVERWRITES] = overwrites ? 1 : 0;
    words[record + at.DECAYS] = decays ? -1 : 0;
  });

  /** Writes a divisor, or its inverse where multiplying by that gives the same bits: whether it is no power of two. */
  const writeDivisor = (to: number, divisor: number): boolean => {
    const { floats, words } = arena;
    floats[to] = divisor;
    if (words[to]! << 9 || words[to]! - 0x800000 >= 0x7e800000) return true;
    floats[to] = 1 / divisor;
    return false;
  };
  /** Writes the numbers of a step; gives the options for it. */
  const write = (step: Step): number => {
    const { floats } = arena;
    floats[word + at.LIMIT] = step.clipLimit;
    floats[word + at.INVERSE] = 1 / step.clipLimit;
    floats[word + at.KEEP] = step.averageMomentum;
    floats[word + at.MIX] = 1 - floats[word + at.KEEP]!;
    for (let i = 0, r = word + at.NUMBERS; r < word + records; i++) {
      const { learningRate, momentum, weightDecay } = step.rates[i]!;
      floats[r++] = learningRate;
      floats[r++] = momentum;
      floats[r++] = weightDecay;
    }
    return (
      options |
      (options & at.UNSCALE && writeDivisor(word + at.SCALE, step.lossScale) ? at.UNSCALE_DIVIDES : 0) |
      (options & at.ACCUMULATE && writeDivisor(word + at.COUNT, step.accumulationSteps) ? at.MEAN_DIVIDES : 0) |
      (options & at.AVERAGE && step.averageOverwrite ? at.AVERAGE_OVERWRITES : 0)
    );
  };
  return {
    run(step, gradients, indices) {
      const kernel = arena.kernel(write(step));
      const { words } = arena;
      for (let j = 0; j < indices.length; j++) {
        const record = records + at.RECORD * indices[j]!;
        words[word + record + at.GRADIENT] = gradients[j]!;
        words[word + order + j] = base + 4 * record;
      }
      const flags = (step.phase === 'update' ? at.UPDATE : 0) | (step.ordinary ? at.ORDINARY : 0);
      if (!kernel(base, base + 4 * records, variables.length, base + 4 * order, indices.length, flags)) return false;
      updated ||= flags === (at.UPDATE | at.ORDINARY);
      return true;
    },
    measured() {
      const figures: Measured = {};
      const sums = new Float64Array(arena.floats.buffer, base + 4 * at.SQUARES, 4);
      if (updated && measure.has('gradient-norm')) figures.gradientNorm = Math.sqrt(sums[0]! + sums[1]!);
      if (updated && measure.has('update-norm')) figures.updateNorm = Math.sqrt(sums[2]! + sums[3]!);
      return figures;
    },
  };
}
