import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Backend, OptimizerClass } from '@sgd/core';
import cpu from '@sgd/cpu/conformance';
import gpujs from '@sgd/gpujs/conformance';
import onnxruntime from '@sgd/onnxruntime/conformance';
import tfjs from '@sgd/tfjs/conformance';
import wasm from '@sgd/wasm/conformance';
import { describe, expect, it } from 'vitest';

// The optimizer of docs/write-an-optimizer.md, as it stands there, on every engine that Node has.

const page = readFileSync(new URL('../docs/write-an-optimizer.md', import.meta.url), 'utf8');
const [, block] = /^```ts\n(.*?)^```$/ms.exec(page) as unknown as [string, string];
const folder = fileURLToPath(new URL('../.test-results/write-an-optimizer/', import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}sign-momentum.ts`, block);
const { SignMomentum } = (await import(/* @vite-ignore */ pathToFileURL(`${folder}sign-momentum.ts`).href)) as {
  SignMomentum: OptimizerClass<{ momentum: number }>;
};

const SIZE = 1000;
const STEPS = 20;
const LEARNING_RATE = 0.03;
const WEIGHT_DECAY = 0.1;
const MOMENTUM = 0.7;

const start = (): Float32Array => Float32Array.from({ length: SIZE }, (_, i) => Math.sin(i * 1.7) * 3);
const gradientAt = (step: number): Float32Array =>
  Float32Array.from({ length: SIZE }, (_, i) => Math.sin(i * 0.37 + step) / (1 + (i % 5)));

/** The same by hand, a number at a time. */
function byHand(): { x: Float32Array; m: Float32Array } {
  const R = Math.fround;
  const [rate, decay, momentum] = [R(LEARNING_RATE), R(WEIGHT_DECAY), R(MOMENTUM)];
  const [x, m] = [start(), new Float32Array(SIZE)];
  for (let step = 0; step < STEPS; step++) {
    const g = gradientAt(step);
    for (let i = 0; i < SIZE; i++) {
      const decayed = R(x[i]! - R(R(x[i]! * decay) * rate));
      m[i] = R(R(m[i]! * momentum) + g[i]!);
      x[i] = R(decayed - R(Math.sign(m[i]!) * rate));
    }
  }
  return { x, m };
}

type AnyBackend = Backend<unknown, unknown>;

async function trained(backend: AnyBackend): Promise<{ x: unknown; m: unknown }> {
  const options = { learningRate: LEARNING_RATE, weightDecay: WEIGHT_DECAY, momentum: MOMENTUM };
  const optimizer = new SignMomentum(options, backend);
  await optimizer.build({ w: backend.variable({ data: start(), shape: [SIZE] }) });
  for (let step = 0; step < STEPS; step++) {
    await optimizer.apply({ w: backend.gradient({ data: gradientAt(step), shape: [SIZE] }) });
  }
  const [x, { slots }] = [await optimizer.read('w'), await optimizer.getState()];
  return { x, m: slots.w!.momentum };
}

describe('the optimizer of the page', () => {
  it.each<[string, () => unknown]>([
    ['cpu', () => cpu()],
    ['cpu:jitless', () => cpu('jitless')],
    ['wasm', () => wasm()],
    ['tfjs:cpu', () => tfjs('cpu')],
    ['tfjs:wasm', () => tfjs('wasm')],
    ['gpujs:cpu', () => gpujs('cpu')],
    ['gpujs:webasm', () => gpujs('webasm')],
    ['onnxruntime:node', () => onnxruntime('node')],
    ['onnxruntime:wasm', () => onnxruntime('wasm')],
  ])('has the bits of its formula on %s', async (_, make) => {
    expect(await trained((await make()) as AnyBackend)).toEqual(byHand());
  });

  it('is twelve lines', () => {
    const from = block.indexOf('defineOptimizer({');
    expect(block.slice(from).trim().split('\n').length).toBeLessThanOrEqual(13);
  });
});
