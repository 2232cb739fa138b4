import { makeKernel, makeTracer, NumberProgram, numberOps, pairwiseSum, roundingOf } from '@sgd/core/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('operations on numbers', () => {
  it('round once to float32', () => {
    const ops = numberOps('float32');
    const tenth = Math.fround(0.1);
    expect(ops.constant(0.1)).toBe(tenth);
    expect(ops.add(tenth, 1)).toBe(Math.fround(tenth + 1));
    expect(ops.sqrt(2)).toBe(Math.fround(Math.SQRT2));
    expect(ops.scale(tenth, 0.1)).toBe(Math.fround(tenth * 0.1));
    expect(ops.scale(tenth, 0.1)).not.toBe(ops.mul(tenth, ops.constant(0.1)));
  });

  it('keep NaN, and take the second where the first is not above 0', () => {
    const ops = numberOps('float64');
    expect([ops.min(NaN, 1), ops.max(1, NaN), ops.sign(NaN), ops.sign(-3)]).toEqual([NaN, NaN, NaN, -1]);
    expect([ops.select(1, 2, 3), ops.select(0, 2, 3), ops.select(NaN, 2, 3)]).toEqual([2, 3, 3]);
    expect(() => ops.sum(1)).toThrow(TypeError);
  });
});

describe("numpy's pairwise sum", () => {
  // np.sum over float32 values 1e8, 1, 1, …: numpy 2.4.6
  it.each([
    [7, 100000000],
    [8, 100000000],
    [9, 100000000],
    [16, 100000008],
    [129, 100000120],
    [300, 100000288],
  ])('of %i numbers', (length, expected) => {
    const values = new Float32Array(length).fill(1);
    values[0] = 1e8;
    expect(pairwiseSum(values, Math.fround)).toBe(expected);
  });

  it('is exact over small integers, whatever the count and the start', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -99, max: 99 }), { maxLength: 600 }), fc.nat(20), (values, from) => {
        const count = Math.max(0, values.length - from);
        const sum = values.slice(from, from + count).reduce((a, b) => a + b, 0);
        expect(pairwiseSum(values, roundingOf('float32'), count, Math.min(from, values.length))).toBe(sum);
      }),
    );
  });
});

describe('the numbers of a kernel', () => {
  it('are computed from those of the step, in the type of the kernel', () => {
    const ops = makeTracer();
    const rest = ops.sub(ops.constant(1), ops.scalar('beta'));
    const kernel = makeKernel({ assignments: { x: ops.mul(ops.tensor('x'), rest) } });
    for (const dtype of ['float32', 'float64'] as const) {
      const program = new NumberProgram(kernel, dtype, ['learningRate', 'beta']);
      const numbers = program.allocate();
      program.begin(numbers, new Float64Array([7, 0.1]));
      const round = roundingOf(dtype);
      expect(numbers[program.placeOf(rest)]).toBe(round(1 - round(0.1)));
    }
  });

  it('keep the factor of the norm over all in float64', () => {
    const ops = makeTracer();
    const factor = ops.scalar('clipFactor');
    const kernel = makeKernel({ assignments: { g: ops.scale(ops.tensor('g'), factor) } });
    const program = new NumberProgram(kernel, 'float32', ['clipFactor']);
    const numbers = program.allocate();
    program.begin(numbers, new Float64Array([0.1]));
    expect(numbers[program.placeOf(factor)]).toBe(0.1);
  });
});
