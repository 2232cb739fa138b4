import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import { Shader } from '@sgd/compile';
import { type Program, SGD, type SGDOptions, type Step } from '@sgd/core';
import { makeTracer, numberOps } from '@sgd/core/engine';
import { tfjs } from '@sgd/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { Device } from '../src/gpu/device.ts';
import { stepOn } from '../src/gpu/step.ts';
import { webglDevice } from '../src/gpu/webgl.ts';
import { webgpuDevice } from '../src/gpu/webgpu.ts';
import { makeState } from '../src/state.ts';
import { FORMULAS } from './formulas.ts';

const DEVICES: readonly (readonly [string, Device])[] = [
  ['webgl', webglDevice],
  ['webgpu', webgpuDevice],
];
const start = async (engine: string): Promise<void> => {
  if (!(await tf.setBackend(engine))) throw new Error(`${engine} does not start`);
  await tf.ready();
};

// no subnormal numbers, which devices take for 0
const numbers = [0, 1, -1, 0.37, -2.5, 1e-20, 3e20, NaN, Infinity, -Infinity];
const pairs = numbers.flatMap((a) => numbers.map((b) => [a, b] as const));

/** Whether a device gave what float32 gives: the same where that is not finite, subnormal or 0 where that is, else to 2e-5. */
function isClose(got: number, want: number): boolean {
  if (Math.abs(want) < 2 ** -126) return Math.abs(got) < 2 ** -125;
  return Number.isFinite(want) ? Math.abs(got / want - 1) < 2e-5 : Object.is(got, want);
}

describe.each(DEVICES)('programs on %s', (engine, device) => {
  it.each([[[100]], [[25, 4]], [[5, 20]], [[10, 10]], [[4, 5, 5]]])(
    'compute what numbers do, NaN and infinities too, in shape %j',
    async (shape) => {
      await start(engine);
      const fits = device.fits(tf);
      const onNumbers = numberOps('float32');
      for (const [name, formula] of Object.entries(FORMULAS)) {
        const tracer = makeTracer();
        const value = formula(tracer, tracer.tensor('a'), tracer.tensor('b'));
        const shader = new Shader([value], new Set());
        expect(fits(shader, [{ value, name: null, measure: null }], true)).toBe(true);
        for (const isPacked of [false, true]) {
          const made = tf.tidy(() => {
            const [a, b] = [0, 1].map((side) => {
              const tensor = tf.tensor(
                pairs.map((pair) => pair[side]!),
                shape,
              );
              return isPacked ? tf.mul(tensor, 1) : tensor;
            }) as [tf.Tensor, tf.Tensor];
            const constants = shader.hostNumbers.map(({ number }) => number);
            const [result] = device.run(tf, {
              shader,
              shape,
              tensors: shader.tensors.map((tensor) => (tensor.name === 'a' ? a : b)),
              deviceNumbers: [],
              hostNumbers: { values: Float32Array.from(constants) },
              like: shader.tensors.length > 0 ? a : undefined,
              inPlace: [null],
            });
            return result!;
          });
          const got = await made.data();
          made.dispose();
          pairs.forEach(([a, b], i) => {
            const want = formula(onNumbers, Math.fround(a), Math.fround(b));
            const message = `${name} of ${a} and ${b}: ${got[i]} for ${want}`;
            expect(isClose(got[i]!, want), message).toBe(true);
          });
        }
      }
    },
  );

  it('leave 0 where a texel has no element, as matrix products of tfjs need it', async () => {
    await start(engine);
    const tracer = makeTracer();
    const shader = new Shader([tracer.add(tracer.tensor('a'), tracer.constant(1))], new Set());
    const product = tf.tidy(() => {
      const a = tf.mul(tf.ones([3, 5]), 1);
      const run = { shader, shape: [3, 5], tensors: [a], deviceNumbers: [], like: a, inPlace: [null] };
      const [two] = device.run(tf, { ...run, hostNumbers: { values: Float32Array.of(1) } });
      return tf.matMul(two!, two!, false, true);
    });
    expect(Array.from(await product.data())).toEqual(Array.from({ length: 9 }, () => 20));
    product.dispose();
  });

  it.each([0, 1, 2, 3])('are split where one makes at most %i tensors, with the same values', async (most) => {
    await start(engine);
    const options: SGDOptions = {
      learningRate: 0.05,
      momentum: 0.9,
      nesterov: true,
      weightDecay: 0.01,
      globalClipnorm: 0.5,
      useEma: true,
      gradientAccumulationSteps: 2,
    };
    // with none, by operations
    const fits = device.fits(tf);
    // with none, by operations
    const narrow: Device = {
      ...device,
      fits: () => (shader, made, inPlace) => made.length <= most && fits(shader, made, inPlace),
    };
    const results: Float32Array[][] = [];
    for (const one of [device, narrow]) results.push(await trajectory(options, one));
    results[0]!.forEach((values, i) =>
      values.forEach((value, j) => expect(Math.abs(value - results[1]![i]![j]!)).toBeLessThan(1e-6)),
    );
  });
});

/** A variable and its slots after some steps on a device. */
async function trajectory(options: SGDOptions, device: Device): Promise<Float32Array[]> {
  const variable = tf.tidy(() => tf.variable(tf.reshape(tf.linspace(-1, 1, 15), [3, 5])));
  let program: Program | undefined;
  const backend = tfjs();
  const optimizer = new SGD(
    options,
    {
      ...backend,
      open(given, handles) {
        program = given;
        return backend.open(given, handles);
      },
    },
    { measure: ['update-norm', 'gradient-norm'] },
  );
  optimizer.build([variable]);
  const state = makeState(tf, program!, [{ variable }]);
  const take = stepOn(device);
  const rates = [{ learningRate: 0.05, weightDecay: 0.01, options: [0.9] }];
  for (let i = 0; i < 6; i++) {
    const step: Step = {
      phase: i % 2 === 0 ? 'accumulate' : 'update',
      ordinary: true,
      updateCount: 1 + (i >> 1),
      lossScale: 1,
      accumulationSteps: 2,
      clipLimit: 0.5,
      rates,
      averageMomentum: i === 0 ? 0 : 0.99,
      averageOverwrite: i === 3,
    };
    const gradient = tf.tidy(() => tf.mul(tf.reshape(tf.linspace(i, 1, 15), [3, 5]), 1));
    expect(take(state, step, [gradient], [0])).toBe(true);
    gradient.dispose();
  }
  const tensors = [variable, ...Object.values(state.slots).map(([tensor]) => tensor!)];
  const { 'gradient-norm': first, 'update-norm': second } = state.figures;
  const all = await Promise.all([...tensors, first as tf.Tensor, second as tf.Tensor].map((tensor) => tensor.data()));
  optimizer.dispose();
  tf.dispose([...tensors, first as tf.Tensor, second as tf.Tensor]);
  return all as Float32Array[];
}
