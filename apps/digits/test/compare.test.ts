import { describe, expect, it } from 'vitest';
import { compareWeights, differenceText, sameWeights } from '../src/compare.ts';

const weights = (...values: number[]) => ({ w: Float32Array.of(1, 2), v: Float32Array.from(values) });
const next = 1 + 2 ** -23;

describe('comparing weights', () => {
  it('finds the same bits', () => {
    expect(compareWeights(weights(1, Number.NaN), weights(1, Number.NaN))).toEqual({
      elements: 4,
      differing: 0,
      maxUlp: 0,
      at: null,
    });
    expect(sameWeights(weights(1, Number.NaN), weights(1, Number.NaN))).toBe(true);
  });

  it('counts in float32 numbers, and says where', () => {
    const found = compareWeights(weights(1, 1, 3), weights(next, 1 + 2 ** -22, 3));
    expect(found).toEqual({
      elements: 5,
      differing: 2,
      maxUlp: 2,
      at: { variable: 'v', index: 1, values: [1, 1 + 2 ** -22] },
    });
    expect(differenceText(found)).toContain(
      'differ in 2 of 5 elements, by at most 2 ulp (v[1]: 1 and 1.000000238418579)',
    );
  });

  it.each([
    ['across a power of two', 1 - 2 ** -24, next, 2],
    ['across zero', -(2 ** -149), 2 ** -149, 3],
    ['of the two zeros', 0, -0, 1],
    ['between the ends', -3.4028234663852886e38, 3.4028234663852886e38, 2 * 0x7f7f_ffff + 1],
  ])('measures the distance %s', (_, a, b, ulp) => {
    expect(compareWeights(weights(a), weights(b)).maxUlp).toBe(ulp);
    expect(compareWeights(weights(b), weights(a)).maxUlp).toBe(ulp);
    expect(sameWeights(weights(a), weights(b))).toBe(false);
  });

  it('rounds float64 to float32 first', () => {
    const wide = { w: Float64Array.of(1, 2), v: Float64Array.of(1 + 2 ** -40) };
    expect(compareWeights(weights(1), wide).maxUlp).toBe(0);
    expect(sameWeights(weights(1), wide)).toBe(true);
  });

  it('has no number for NaN beside a number', () => {
    const found = compareWeights(weights(Number.NaN, 1), weights(1, next));
    expect(found).toMatchObject({ differing: 2, maxUlp: null, at: { variable: 'v', index: 0 } });
    expect(differenceText(found)).toContain('one is not a number');
  });
});
