import { defineOptimizer, type FloatArray, SGD, type SgdError } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { onnxruntime, type OrtTensor } from '@sgd/onnxruntime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdamLike, SURROUNDINGS, trained, TrustPower } from '../../../tests/support/rules.ts';

const gpu = { executionProviders: ['webgpu'] };
const loadOrt = (): Promise<typeof import('onnxruntime-web/webgpu')> => import('onnxruntime-web/webgpu');

/** Sums of sums within the rule, of values that are not 0 behind the end of variables, and a slot that does not start at zero. */
const Trust = defineOptimizer({
  className: 'Trust',
  options: { decay: 0.9 },
  learningRate: 0.01,
  rule: {
    scalars: ['decay'],
    slots: () => [{ name: 'accumulator', initial: 0.1 }, { name: 'kept' }],
    update(o, _config, { x, g, accumulator, kept }, { learningRate, decay }) {
      const next = o.add(o.mul(accumulator, decay), o.mul(g, g));
      const scaled = o.add(o.div(g, o.sqrt(next)), o.constant(0.5));
      const length = o.max(o.sqrt(o.sum(o.mul(scaled, scaled))), o.constant(1e-3));
      const direction = o.div(scaled, length);
      const reach = o.sum(o.select(x, o.abs(direction), o.constant(0.25)));
      const move = o.mul(o.add(direction, o.mul(o.sign(g), o.constant(0.01))), o.div(learningRate, reach));
      // 0 / 0 behind the end of variables
      return { x: o.sub(x, move), accumulator: next, kept: o.add(kept, o.div(g, o.max(o.abs(g), o.mul(g, g)))) };
    },
  },
});

/** The largest difference, by the larger of the magnitudes and 1. */
function distance(one: FloatArray, other: FloatArray): number {
  let largest = 0;
  one.forEach((x, i) => {
    largest = Math.max(largest, Math.abs(x - other[i]!) / Math.max(1, Math.abs(other[i]!)));
  });
  return largest;
}

describe('on webgpu', { timeout: 120_000 }, () => {
  // ONNX Runtime makes a new device after the last session has gone, which takes long
  let kept: SGD<unknown> | undefined;
  beforeAll(async () => {
    const backend = onnxruntime({ ort: (await loadOrt()) as never, ...gpu });
    kept = new SGD({}, backend) as unknown as SGD<unknown>;
    await kept.build([new Float32Array(1)]);
  }, 60_000);
  afterAll(() => kept?.dispose());

  it.each(
    SURROUNDINGS.flatMap((options, i) =>
      [AdamLike, Trust as unknown as typeof AdamLike].map((Optimizer) => ({
        name: Optimizer.name,
        i,
        options,
        Optimizer,
      })),
    ),
  )('$name in surroundings $i', async ({ options, Optimizer }) => {
    const wanted = await trained(Optimizer, options, cpu());
    const backend = onnxruntime({ ort: (await loadOrt()) as never, ...gpu });
    const got = await trained(Optimizer, options, backend);
    expect(Object.keys(got.tensors)).toEqual(Object.keys(wanted.tensors));
    for (const [name, values] of Object.entries(wanted.tensors))
      expect(distance(got.tensors[name]!, values), name).toBeLessThan(1e-5);
    expect(got.measured.updateNorm).toBeCloseTo(wanted.measured.updateNorm!, 4);
    expect(got.measured.gradientNorm).toBeCloseTo(wanted.measured.gradientNorm!, 4);
  });

  it('powers of elements are refused by name', async () => {
    const optimizer = new TrustPower({}, onnxruntime({ ort: (await loadOrt()) as never, ...gpu }));
    const attempt = Promise.resolve().then(() => optimizer.build([new Float32Array(1)]));
    const error: SgdError = await attempt.then(
      () => Promise.reject(new Error('nothing was thrown')),
      (each: SgdError) => each,
    );
    expect([error.code, error.message]).toEqual(['SGD_UNSUPPORTED', expect.stringContaining('pow')]);
  });

  it('groups may differ in what is done, also under a norm over all', async () => {
    const extras = { groups: [{ paths: [/^b/], nesterov: true }] };
    const options = { learningRate: 0.1, momentum: 0.5, globalClipnorm: 0.5, weightDecay: 0.1 };
    const values = { a: [1, 2], b: [1, 2], c: [3] };
    const arrays = (): Record<string, Float32Array> =>
      Object.fromEntries(Object.entries(values).map(([name, list]) => [name, Float32Array.from(list)]));
    const one = new SGD(options, onnxruntime({ ort: (await loadOrt()) as never, ...gpu }), extras);
    const other = new SGD(options, cpu(), extras);
    const there = arrays();
    for (const each of [one, other]) each.excludeFromWeightDecay({ names: ['c'] });
    await one.build(arrays());
    other.build(there);
    for (const step of [1, 2, 3]) {
      const gradients = [[step, 1], step === 2 ? null : [-1, step], step === 3 ? null : [0.5]].map(
        (list) => list && Float32Array.from(list),
      );
      await one.apply(gradients);
      other.apply(gradients);
    }
    const here = await one.readAll();
    for (const name of Object.keys(values)) expect(distance(here[name]!, there[name]!), name).toBeLessThan(1e-6);
    const handles = [...one.trainableVariables] as OrtTensor[];
    await one.dispose();
    for (const handle of handles) handle.dispose();
  });
});
