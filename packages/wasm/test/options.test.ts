import type { Program, ProgramVariable, Slot, Step } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { numbers, same } from './trial.ts';

// Every set of options, with kernels that count what they write.
vi.mock('../src/kernels.ts', async () => ({ kernels: await (await import('./instrument.ts')).instrumented() }));

let calls = 0;
let header: readonly [from: number, to: number] = [0, 0];
const written = new Map<number, number>();
const stored = (address: number, bytes: number): void => {
  for (let at = address >>> 0; at < (address >>> 0) + bytes; at += 4) written.set(at, (written.get(at) ?? 0) + 1);
};

beforeAll(() => {
  const { Module, Memory, Instance } = WebAssembly;
  class Counting {
    exports: object;
    constructor(module: WebAssembly.Module, { env }: { env: object }) {
      const { step } = new Instance(module, { env: { ...env, stored } }).exports as {
        step: (...args: number[]) => number;
      };
      this.exports = {
        step: (...args: number[]) => {
          calls++;
          header = [args[0]!, args[3]! + 8 * args[2]!];
          return step(...args);
        },
      };
    }
  }
  vi.stubGlobal('WebAssembly', { Module, Memory, Instance: Counting });
});
afterAll(() => void vi.unstubAllGlobals());

const clips = ['none', 'value', 'norm', 'global-norm'] as const;
const rules = [
  ['plain', []],
  ['momentum', ['momentum']],
  ['nesterov', ['momentum']],
] as const;
const booleans = [false, true];
const none: readonly Exclude<Slot, 'variable'>[] = [];

function* programs(clip: Program['clip'], finiteCheck: boolean): Generator<Program> {
  for (const [rule, momentum] of rules)
    for (const accumulates of booleans)
      for (const averages of booleans)
        for (const unscale of booleans)
          for (const measures of booleans)
            for (const decays of [[], [0], [0, 1, 2]]) {
              const variable = (length: number, i: number): ProgramVariable => ({
                path: `v${i}`,
                shape: [length],
                dtype: 'float32',
                group: i === 1 ? 1 : 0,
                decays: decays.includes(i as never),
                overwrites: i === 3,
                constraint: null,
              });
              yield {
                rule: 'sgd',
                slots: new Set([
                  ...momentum,
                  ...(accumulates ? ['accumulator' as const] : none),
                  ...(averages ? ['average' as const] : none),
                ]),
                nesterov: rule === 'nesterov',
                unscale,
                clip,
                finiteCheck,
                measure: new Set(measures ? ['gradient-norm', 'update-norm'] : []),
                variables: [37, 16, 3, 5].map(variable),
              };
            }
}

/** Micro-steps: all variables, then some, by divisors that are powers of two and not, with averages that overwrite and don't. */
const steps = (accumulates: boolean): readonly (readonly [Step, readonly number[]])[] => {
  const step: Step = {
    phase: 'update',
    ordinary: true,
    lossScale: 8,
    accumulationSteps: 2,
    clipLimit: 0.3,
    rates: [
      { learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 },
      { learningRate: 0.3, momentum: 0.5, weightDecay: 0.1 },
    ],
    averageMomentum: 0.9,
    averageOverwrite: false,
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

describe.each(clips)('clip %s', (clip) => {
  it.each([
    ['', false],
    [', gradients looked at', true],
  ])(
    'with every other option: one call a step, each value written once, the bits of @sgd/cpu%s',
    async (_name, finiteCheck) => {
      const backend = await wasm();
      for (const program of programs(clip, finiteCheck)) {
        const initial = program.variables.map((v, i) => numbers(i, v.shape[0]!, 0));
        const expected = initial.map((x) => x.slice());
        const tensors = initial.map((x) => backend.from(x));
        const ours = backend.open(program, tensors);
        const theirs = cpu().open(program, expected);
        for (const [step, indices] of steps(program.slots.has('accumulator'))) {
          const gradients = indices.map((i) => numbers(9 * i + step.lossScale, initial[i]!.length, 0));
          const lent = gradients.map((g) => backend.from(g));
          calls = 0;
          written.clear();
          expect(ours.step(step, lent, indices)).toBe(true);
          expect(calls).toBe(1);
          expect(written.size).toBeGreaterThan(0);
          for (const [address, times] of written) {
            if (times > 1 && (address < header[0] || address >= header[1])) {
              throw new Error(`address ${address} was written ${times} times by ${[...program.slots].join()} ${clip}`);
            }
          }
          theirs.step(step, gradients, indices);
          tensors.forEach((x, i) => same(x.data, expected[i]!, `variable ${i}`));
          for (const g of lent) backend.free(g);
        }
        const entries = [...program.slots].flatMap((slot) => [0, 1, 2].map((index) => ({ slot, index })));
        const [got, wanted] = [await ours.read(entries), await theirs.read(entries)];
        entries.forEach(({ slot, index }, e) => same(got[e]!, wanted[e]!, `${slot} of ${index}`));
        ours.dispose();
        for (const x of tensors) backend.free(x);
      }
    },
    60_000,
  );
});

it('a write too many would be seen', () => {
  written.clear();
  stored(4096, 64);
  stored(4100, 4);
  expect([...written.values()].filter((times) => times > 1)).toEqual([2]);
});
