import type { Constraint, DType, FloatArray, Program, ProgramVariable, Slot, Step } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import fc from 'fast-check';
import { expect } from 'vitest';
import { reference } from './reference.ts';

const BOUNDARIES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 127, 128, 129, 136, 255, 257, 1023, 1024, 1025, 2047, 2049];
const SPECIAL = [0, -0, NaN, Infinity, -Infinity, 1e-45, -3e-42, 1.1754942e-38, 3.4e38, -3.4e38, 1e-20, 1e19];

/** Deterministic numbers of many magnitudes; one in `rare` is special. */
export function numbers(seed: number, length: number, dtype: DType, rare: number): FloatArray {
  const values = dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const next = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < length; i++) {
    values[i] = (next() - 0.5) * 10 ** Math.floor(next() * 5 - 3);
    if (rare > 0 && next() < 1 / rare) values[i] = SPECIAL[Math.floor(next() * SPECIAL.length)]!;
  }
  return values;
}

const chosen = (mask: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => i).filter((i) => (mask >> i) & 1);
/** Keeps values from falling below zero. */
const floored: Constraint = (data) => {
  for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i]!, 0);
};

const size = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...BOUNDARIES) }, { weight: 1, arbitrary: fc.nat(300) });
/** Evenly spread, unlike `fc.double`, most of whose numbers are so small that nothing moves. */
const real = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: 1_000_003 }).map((n) => min + ((max - min) * n) / 1_000_003);

/** Any program of up to four variables of these types. */
export const program = (dtypes: readonly DType[]): fc.Arbitrary<Program> =>
  fc.record({
    rule: fc.constant('sgd' as const),
    slots: fc
      .subarray(['momentum', 'accumulator', 'average'] as const)
      .map((slots) => new Set<Exclude<Slot, 'variable'>>(slots)),
    nesterov: fc.boolean(),
    unscale: fc.boolean(),
    clip: fc.constantFrom('none', 'value', 'norm', 'global-norm' as const),
    finiteCheck: fc.boolean(),
    measure: fc.subarray(['gradient-norm', 'update-norm'] as const).map((all) => new Set(all)),
    variables: fc
      .array(
        fc.record({
          shape: size.map((n) => [n]),
          dtype: fc.constantFrom(...dtypes),
          group: fc.nat(1),
          decays: fc.boolean(),
          overwrites: fc.boolean(),
          constraint: fc.constantFrom(null, null, floored),
        }),
        { minLength: 1, maxLength: 4 },
      )
      .map((all) =>
        all.map((v, i): ProgramVariable => ({ ...v, path: `v${i}`, overwrites: v.overwrites && i % 2 === 1 })),
      ),
  });

/** Any step, and which variables have a gradient in it. */
export const step = fc.record({
  updates: fc.boolean(),
  given: fc.integer({ min: 1, max: 15 }),
  backwards: fc.boolean(),
  lossScale: fc.oneof(fc.constantFrom(1, 0.1, 32768, 1e-40), real(0.5, 1e6)),
  accumulationSteps: fc.integer({ min: 2, max: 9 }),
  clipLimit: fc.oneof(fc.constantFrom(0.1, 0.37, 1), real(1e-3, 10)),
  rates: fc.array(fc.record({ learningRate: real(-1, 1), momentum: real(0, 1), weightDecay: real(0, 0.5) }), {
    minLength: 2,
    maxLength: 2,
  }),
  averageMomentum: fc.oneof(fc.constantFrom(0, 1, 0.99), real(0, 1)),
  averageOverwrite: fc.boolean(),
  seed: fc.nat(),
});

type Steps = typeof step extends fc.Arbitrary<infer T> ? readonly T[] : never;

/** Runs the same steps here and in the reference, and compares everything after each. */
export async function trial(made: Program, steps: Steps, rare: number, seed: number): Promise<void> {
  const { variables, slots } = made;
  const initial = variables.map((v, i) => numbers(seed + i, v.shape[0]!, v.dtype, rare * 3));
  const arrays = initial.map((values) => values.slice());
  const ref = reference(made, initial);
  const session = cpu().open(made, arrays);
  for (const { given, updates, backwards, seed: own, ...rest } of steps) {
    const indices = chosen(given, variables.length);
    if (indices.length === 0) continue;
    if (backwards) indices.reverse();
    const now: Step = {
      ...rest,
      phase: updates || !slots.has('accumulator') ? 'update' : 'accumulate',
      ordinary: indices.some((i) => !variables[i]!.overwrites),
    };
    const gradients = indices.map((i) => numbers(own + i, variables[i]!.shape[0]!, variables[i]!.dtype, rare));
    const copies = gradients.map((g) => g.slice());
    expect(session.step(now, gradients, indices)).toBe(ref.step(now, copies, indices));
    expect(gradients).toEqual(copies);
    variables.forEach((v, i) => {
      same(arrays[i]!, ref.x[i]!, `${v.path} variable`);
    });
    const entries = slotsOf(made);
    const values = await session.read(entries);
    entries.forEach(({ slot, index }, e) => same(values[e]!, ref[LETTERS[slot]][index]!, `${slot} of ${index}`));
    const { gradientNorm, updateNorm } = await session.measured!();
    close(gradientNorm, made.measure.has('gradient-norm') ? ref.gradientNorm : undefined);
    close(updateNorm, made.measure.has('update-norm') ? ref.updateNorm : undefined);
  }
}

const LETTERS = { momentum: 'm', accumulator: 'v', average: 'a' } as const;

/** Sums in float64 taken in another order. */
function close(got: number | undefined, wanted: number | undefined): void {
  if (wanted === undefined || Number.isNaN(wanted)) expect(got).toEqual(wanted);
  else if (wanted === Infinity) expect(got).toBe(wanted);
  else expect(Math.abs(got! - wanted)).toBeLessThanOrEqual(1e-12 * wanted);
}

function slotsOf(made: Program): { slot: Exclude<Slot, 'variable'>; index: number }[] {
  return made.variables.flatMap(({ overwrites }, index) =>
    [...made.slots].filter((slot) => slot === 'accumulator' || !overwrites).map((slot) => ({ slot, index })),
  );
}

/** The same numbers; NaN equals NaN, 0 equals -0. */
export function same(got: FloatArray, wanted: readonly number[], what: string): void {
  expect(got.length, what).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    if (got[i] !== wanted[i] && !(Number.isNaN(got[i]) && Number.isNaN(wanted[i]))) {
      throw new Error(`${what}[${i}]: got ${got[i]}, expected ${wanted[i]}`);
    }
  }
}
