import type { Constraint, DType, FloatArray, Program, ProgramVariable } from '@sgd/core';
import fc from 'fast-check';
import { type KeptSlot, program } from './programs.ts';

// Any program, and numbers for it.

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

/** Keeps values from falling below zero. */
const floored: Constraint = (data) => {
  for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i]!, 0);
};

/** Evenly spread, unlike `fc.double`, most of whose numbers are so small that nothing moves. */
const real = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: 1_000_003 }).map((n) => min + ((max - min) * n) / 1_000_003);

/** Any program of up to four variables of these types and sizes. */
export const anyProgram = (dtypes: readonly DType[], size: fc.Arbitrary<number>): fc.Arbitrary<Program> =>
  fc
    .record({
      keeps: fc.subarray<KeptSlot>(['momentum', 'gradient_accumulator', 'average']),
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
    })
    .map(({ variables, ...options }) => program(variables, options));

/** Any step, and which variables have a gradient in it. Loss scales are numbers that may occur, and some of `extremes`. */
export const anyStep = (extremes: readonly number[]) =>
  fc.record({
    updates: fc.boolean(),
    given: fc.integer({ min: 1, max: 15 }),
    backwards: fc.boolean(),
    lossScale: fc.oneof(fc.constantFrom(...extremes), real(0.5, 1e6)),
    accumulationSteps: fc.integer({ min: 2, max: 9 }),
    clipLimit: fc.oneof(fc.constantFrom(0.1, 0.37, 1), real(1e-3, 10)),
    updateCount: fc.integer({ min: 1, max: 1_000_000 }),
    rates: fc.array(
      fc.record({ learningRate: real(-1, 1), weightDecay: real(0, 0.5), options: fc.tuple(real(0, 1)) }),
      {
        minLength: 2,
        maxLength: 2,
      },
    ),
    averageMomentum: fc.oneof(fc.constantFrom(0, 1, 0.99), real(0, 1)),
    averageOverwrite: fc.boolean(),
    seed: fc.nat(),
  });
