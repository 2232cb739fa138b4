import type { Program, ProgramVariable, Step } from '@sgd/core';
import { StepDefinition } from '@sgd/core/engine';
import { cpu } from '@sgd/cpu';
import { wasm, type WasmTensor } from '@sgd/wasm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { program, update, variable } from '../../../tests/support/programs.ts';
import { numbers, same, slotsOf } from './trial.ts';

// Every set of options, with a look at each call into WebAssembly.

type Exports = Readonly<Record<'reduce' | 'write', (list: number, count: number) => number>>;

let calls: ('reduce' | 'write')[] = [];
let tensors: WasmTensor[] = [];

beforeAll(() => {
  const { Module, Memory, Instance } = WebAssembly;
  class Watched {
    exports: Exports;
    constructor(module: WebAssembly.Module, imports: WebAssembly.Imports) {
      const { reduce, write } = new Instance(module, imports).exports as unknown as Exports;
      this.exports = {
        reduce(list, count) {
          calls.push('reduce');
          const before = tensors.map(({ data }) => data.slice());
          const isFinite = reduce(list, count);
          tensors.forEach(({ data }, i) => same(data, before[i]!, `variable ${i}, which is only read`));
          return isFinite;
        },
        write(list, count) {
          calls.push('write');
          return write(list, count);
        },
      };
    }
  }
  vi.stubGlobal('WebAssembly', { Module, Memory, Instance: Watched });
});
afterAll(() => void vi.unstubAllGlobals());

const clips = ['none', 'value', 'norm', 'global-norm'] as const;
const rules = [
  { keeps: [], nesterov: false },
  { keeps: ['momentum'], nesterov: false },
  { keeps: ['momentum'], nesterov: true },
] as const;
const booleans = [false, true];

const variables = (decays: readonly number[]): ProgramVariable[] =>
  [37, 16, 3, 5].map((length, i) =>
    variable(length, { path: `v${i}`, group: i === 1 ? 1 : 0, decays: decays.includes(i), overwrites: i === 3 }),
  );

function* programs(clip: Program['clip'], finiteCheck: boolean): Generator<Program> {
  for (const { keeps, nesterov } of rules)
    for (const accumulates of booleans)
      for (const averages of booleans)
        for (const unscale of booleans)
          for (const measures of booleans)
            for (const decays of [[], [0], [0, 1, 2]]) {
              const measure: Program['measure'] = new Set(measures ? ['gradient-norm', 'update-norm'] : []);
              const made = program(variables(decays), { keeps, nesterov, unscale, clip, finiteCheck, measure });
              yield { ...made, accumulates, averages };
            }
}

/** Micro-steps: all variables, then some, by divisors that are powers of two and not, with averages that overwrite and don't. */
const steps = (accumulates: boolean): readonly (readonly [Step, readonly number[]])[] => {
  const step: Step = {
    ...update,
    lossScale: 8,
    accumulationSteps: 2,
    clipLimit: 0.3,
    rates: [
      { learningRate: 0.1, weightDecay: 0.01, options: [0.9] },
      { learningRate: 0.3, weightDecay: 0.1, options: [0.5] },
    ],
    averageMomentum: 0.9,
  };
  const phase = accumulates ? 'accumulate' : 'update';
  return [
    [{ ...step, phase }, [0, 1, 2, 3]],
    [step, [3, 0]],
    [{ ...step, phase, lossScale: 3, averageOverwrite: true }, [2, 1]],
    [{ ...step, lossScale: 3, accumulationSteps: 3, averageOverwrite: true }, [1, 2, 3, 0]],
    [{ ...step, ordinary: false }, [3]],
  ];
};

/** Passes that sum come first; the last one stores to each tensor once. */
function wantOneWritingPass(made: Program): void {
  const definition = new StepDefinition(made);
  for (const index of made.variables.keys()) {
    for (const situation of definition.situations.all) {
      const { passes } = definition.update(index, situation);
      for (const { stores } of passes.slice(0, -1)) expect(stores).toEqual([]);
      const stored = passes.at(-1)?.stores.map(({ tensor }) => tensor) ?? [];
      expect(new Set(stored).size).toBe(stored.length);
    }
  }
}

describe.each(clips)('clip %s', (clip) => {
  it.each([
    ['', false],
    [', gradients looked at', true],
  ])(
    'with every other option: one call that writes, each value once, the bits of @sgd/cpu%s',
    async (_name, finiteCheck) => {
      const backend = await wasm();
      const isReduced = finiteCheck || clip === 'norm' || clip === 'global-norm';
      const most = clip === 'global-norm' ? 2 : Number(isReduced);
      for (const made of programs(clip, finiteCheck)) {
        wantOneWritingPass(made);
        const initial = made.variables.map((v, i) => numbers(i, v.shape[0]!, 0));
        const expected = initial.map((x) => x.slice());
        tensors = initial.map((x) => backend.from(x));
        const ours = backend.open(made, tensors);
        const theirs = cpu().open(made, expected);
        for (const [step, indices] of steps(made.accumulates)) {
          const gradients = indices.map((i) => numbers(9 * i + step.lossScale, initial[i]!.length, 0));
          const lent = gradients.map((g) => backend.from(g));
          calls = [];
          expect(ours.step(step, lent, indices)).toBe(true);
          expect(calls.indexOf('write')).toBe(calls.length - 1);
          const isPlain = clip === 'none' && !finiteCheck;
          expect(calls.length - 1).toBeLessThanOrEqual(isPlain ? 0 : most);
          theirs.step(step, gradients, indices);
          tensors.forEach((x, i) => same(x.data, expected[i]!, `variable ${i}`));
          for (const g of lent) backend.free(g);
        }
        const entries = slotsOf(made).flatMap((slot) => [0, 1, 2].map((index) => ({ slot, index })));
        const [got, wanted] = [await ours.read(entries), await theirs.read(entries)];
        entries.forEach(({ slot, index }, e) => same(got[e]!, wanted[e]!, `${slot} of ${index}`));
        ours.dispose();
        for (const x of tensors) backend.free(x);
      }
    },
    60_000,
  );
});
