import { type FloatArray, LossScaleOptimizer, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import gpujs from '@sgd/gpujs/conformance';
import onnxruntime from '@sgd/onnxruntime/conformance';
import tfjs from '@sgd/tfjs/conformance';
import wasm from '@sgd/wasm/conformance';
import { describe, expect, it } from 'vitest';
import type { AnyBackend } from '../packages/conformance/src/backend.ts';
import { foreign as evaluated } from './support/realm.ts';

// Jest and `vm` give code globals of its own: an array that it makes is no instance of the Float32Array that an engine knows.

const foreign = (type: string, values: readonly number[]): FloatArray =>
  evaluated(`${type}.from(${JSON.stringify(values)})`);

const engines: Readonly<Record<string, () => unknown>> = {
  cpu,
  'wasm:arena': () => wasm(),
  'wasm:arrays': () => wasm('arrays'),
  'onnxruntime:node': () => onnxruntime('node'),
  'onnxruntime:wasm': () => onnxruntime('wasm'),
  'gpujs:cpu': () => gpujs('cpu'),
  'gpujs:webasm': () => gpujs('webasm'),
  'tfjs:cpu': () => tfjs('cpu'),
  'tfjs:wasm': () => tfjs('wasm'),
};
const options = { learningRate: 0.5, momentum: 0.9, globalClipnorm: 1, useEma: true, gradientAccumulationSteps: 2 };

describe.each(Object.entries(engines))('%s takes arrays of another realm', (name, make) => {
  /** What six steps, a state that is restored in between, and an overwriting variable give, with arrays from a maker. */
  async function trained(array: (values: number[]) => FloatArray, bare: boolean): Promise<unknown> {
    const backend = (await make()) as AnyBackend;
    const tensor = (values: number[], kind: 'variable' | 'gradient'): unknown =>
      bare ? array(values) : backend[kind]({ data: array(values), shape: [values.length] });
    const overwrites = backend.supports.has('overwrite');
    const given = { w: [1, 2, 3], scale: [0] };
    const sgd = new SGD(options, backend);
    const optimizer = new LossScaleOptimizer(sgd, { initialScale: 4 });
    const handles = { w: tensor(given.w, 'variable'), scale: tensor(given.scale, 'variable') };
    await optimizer.build(handles, { overwriteWithGradient: overwrites ? ['scale'] : [] });
    for (let step = 0; step < 6; step++) {
      const gradients = { w: tensor([step, 1, -2], 'gradient'), scale: tensor([step], 'gradient') };
      expect(await optimizer.apply(gradients)).toBe(true);
      if (step !== 2) continue;
      const state = await optimizer.getState();
      for (const slots of Object.values(state.slots) as Record<string, FloatArray>[])
        for (const slot of Object.keys(slots)) slots[slot] = array(Array.from(slots[slot]!));
      await optimizer.setState(state);
    }
    const values = await optimizer.readAll();
    const seen = Object.entries(values).map(([path, all]) => [path, Array.from(all)]);
    const current = optimizer.trainableVariable('w');
    const seenInPlace = ArrayBuffer.isView(current) ? current : values['w'];
    expect(Array.from(seenInPlace as FloatArray)).toEqual(Array.from(values['w']!));
    await optimizer.dispose();
    return seen;
  }

  it('as its own variables and gradients, and in a state', async () => {
    const expected = await trained((values) => Float32Array.from(values), false);
    expect(await trained((values) => foreign('Float32Array', values), false)).toEqual(expected);
  });

  // tensors of TensorFlow.js are its only variables
  it.skipIf(name.startsWith('tfjs'))('as they are', async () => {
    const expected = await trained((values) => Float32Array.from(values), true);
    expect(await trained((values) => foreign('Float32Array', values), true)).toEqual(expected);
  });

  it.runIf(name === 'cpu' || name.startsWith('onnx'))('of float64', async () => {
    const expected = await trained((values) => Float64Array.from(values), true);
    expect(await trained((values) => foreign('Float64Array', values), true)).toEqual(expected);
  });
});

it('wasm refuses a Float64Array of another realm as one of its own', async () => {
  const backend = await wasm();
  expect(() => backend.from(foreign('Float64Array', [0.1]))).toThrow(
    expect.objectContaining({ code: 'SGD_UNSUPPORTED' }),
  );
});
