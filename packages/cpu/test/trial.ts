import type { DType, FloatArray, Program, Step } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import fc from 'fast-check';
import { expect } from 'vitest';
import { anyProgram, anyStep, numbers } from '../../../tests/support/arbitraries.ts';
import { reference } from './reference.ts';

const BOUNDARIES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 127, 128, 129, 136, 255, 257, 1023, 1024, 1025, 2047, 2049];
const chosen = (mask: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => i).filter((i) => (mask >> i) & 1);
const size = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...BOUNDARIES) }, { weight: 1, arbitrary: fc.nat(300) });
/** Any program of up to four variables of these types. */
export const program = (dtypes: readonly DType[]): fc.Arbitrary<Program> => anyProgram(dtypes, size);

export const step = anyStep([1, 0.1, 32768, 1e-40]);
type Steps = typeof step extends fc.Arbitrary<infer T> ? readonly T[] : never;

/** Runs the same steps here and in the reference, and compares everything after each. */
export async function trial(
  made: Program,
  steps: Steps,
  rare: number,
  seed: number,
  backend: ReturnType<typeof cpu> = cpu(),
): Promise<void> {
  const { variables } = made;
  const initial = variables.map((v, i) => numbers(seed + i, v.shape[0]!, v.dtype, rare * 3));
  const arrays = initial.map((values) => values.slice());
  const ref = reference(made, initial);
  const session = backend.open(made, arrays);
  for (const { given, updates, backwards, seed: own, ...rest } of steps) {
    const indices = chosen(given, variables.length);
    if (indices.length === 0) continue;
    if (backwards) indices.reverse();
    const now: Step = {
      ...rest,
      phase: updates || !made.accumulates ? 'update' : 'accumulate',
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

const LETTERS = { momentum: 'm', gradient_accumulator: 'v', average: 'a' } as const;

/** Sums in float64 taken in another order. */
function close(got: number | undefined, wanted: number | undefined): void {
  if (wanted === undefined || Number.isNaN(wanted)) expect(got).toEqual(wanted);
  else if (wanted === Infinity) expect(got).toBe(wanted);
  else expect(Math.abs(got! - wanted)).toBeLessThanOrEqual(1e-12 * wanted);
}

function slotsOf(made: Program): { slot: keyof typeof LETTERS; index: number }[] {
  return made.variables.flatMap(({ overwrites }, index) => [
    ...(made.accumulates ? [{ slot: 'gradient_accumulator' as const, index }] : []),
    ...(made.averages && !overwrites ? [{ slot: 'average' as const, index }] : []),
    ...(made.slots.length > 0 && !overwrites ? [{ slot: 'momentum' as const, index }] : []),
  ]);
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
