import { ArrayKernel } from '@sgd/compile';
import type { DType, FloatArray } from '@sgd/core';
import { type Kernel, OPERATIONS } from '@sgd/core/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputs, interpret, kernelOf, type Outcome, recipes, SCALARS, TENSORS } from './random-kernels.ts';

function runArrays(
  kernel: Kernel,
  dtype: DType,
  jitless: boolean,
  tensors: readonly FloatArray[],
  scalars: readonly number[],
): Outcome {
  const runner = new ArrayKernel(kernel, dtype, { jitless, scalars: SCALARS });
  const after = tensors.map((tensor) => tensor.slice());
  const numbers = runner.program.allocate();
  runner.program.begin(numbers, Float64Array.from(scalars));
  const observed = new Float64Array(1);
  const given = runner.tensors.map((name) => after[TENSORS.indexOf(name)]!);
  const { length } = tensors[0]!;
  runner.reduce(given, length, numbers);
  runner.write(given, length, numbers, observed);
  return { tensors: after, results: kernel.results.map((_, i) => runner.result(numbers, i)), observed: observed[0]! };
}

const close = (a: number, b: number): boolean => Object.is(a, b) || Math.abs(a - b) <= 1e-12 * Math.abs(b);

describe.each(['float32', 'float64'] as const)('random kernels of %s', (dtype) => {
  it.each([
    ['a function made from text', false],
    ['operation by operation', true],
  ])('%s: the bits of element by element', (_name, jitless) => {
    fc.assert(
      fc.property(recipes(OPERATIONS), inputs(dtype), (recipe, { tensors, scalars }) => {
        const kernel = kernelOf(recipe);
        const expected = interpret(kernel, dtype, tensors, scalars);
        const actual = runArrays(kernel, dtype, jitless, tensors, scalars);
        expect(actual.tensors).toEqual(expected.tensors);
        expect(actual.results).toEqual(expected.results);
        expect(close(actual.observed, expected.observed)).toBe(true);
      }),
      { numRuns: 200, endOnFailure: true },
    );
  });
});
