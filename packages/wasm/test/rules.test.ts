import { cpu } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';
import { AdamLike, SURROUNDINGS, trained, TrustPower } from '../../../tests/support/rules.ts';

describe.each([AdamLike, TrustPower])('a rule other than SGD, %o: the bits of @sgd/cpu', (Optimizer) => {
  it.each(SURROUNDINGS)('%j', async (options) => {
    const [got, expected] = [await trained(Optimizer, options, await wasm()), await trained(Optimizer, options, cpu())];
    expect(got.tensors).toEqual(expected.tensors);
    expect(got.measured.gradientNorm).toBeCloseTo(expected.measured.gradientNorm!, 9);
    expect(got.measured.updateNorm).toBeCloseTo(expected.measured.updateNorm!, 9);
  });
});
