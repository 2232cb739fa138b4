import { cpu } from '@sgd/cpu';
import { tfjs } from '@sgd/tfjs';
import { describe, expect, it } from 'vitest';
import { AdamLike, SURROUNDINGS, trained, TrustPower } from '../../../tests/support/rules.ts';
import { ENGINES, start, tf } from './engines.ts';

const engines = ENGINES.flatMap((engine) => [
  { engine, exact: false },
  { engine, exact: true },
]);

describe.each([AdamLike, TrustPower])('a rule other than SGD, %o: the bits of @sgd/cpu', (Optimizer) => {
  it.each(engines.flatMap((engine) => SURROUNDINGS.map((options) => [engine, options] as const)))(
    '%j, %j',
    async ({ engine, exact }, options) => {
      await start(engine);
      const before = tf.memory().numTensors;
      const backend = tfjs({ exact });
      expect(backend.path()).toMatchObject({ engine, path: exact ? 'ops' : 'fused' });
      const got = await trained(Optimizer, options, backend);
      const expected = await trained(Optimizer, options, cpu());
      expect(got.tensors).toEqual(expected.tensors);
      expect(got.measured.gradientNorm).toBeCloseTo(expected.measured.gradientNorm!, 9);
      expect(got.measured.updateNorm).toBeCloseTo(expected.measured.updateNorm!, 9);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});
