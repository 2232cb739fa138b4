import { createContext, runInContext } from 'node:vm';
import { minify as swc } from '@swc/core';
import { transform } from 'esbuild';
import { minify as terser } from 'terser';
import * as gpujs from 'gpu.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../../tests/support/bundle.ts';

// Kernels are text, which minifiers leave alone. Had they been functions, gpu.js would read what the minifier made of them.
const globals = { 'gpu.js': 'gpujs' };
let plain = '';
beforeAll(async () => {
  plain = await bundle('gpujs', 'gpujs', { globals });
});

const TRAIN = `
const options = {
  learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01, gradientAccumulationSteps: 2, lossScaleFactor: 4, useEma: true,
  emaOverwriteFrequency: 2,
};
const run = (mode, clip) => {
  const optimizer = new sgd.SGD({ ...options, ...clip }, sgd.gpujs({ mode }), { nonFinite: 'skip', measure: ['update-norm'] });
  optimizer.build([Float32Array.of(1, -2, 3), new Float32Array(100).fill(0.5)]);
  for (let i = 0; i < 5; i++) optimizer.apply([Float32Array.of(3, 2, 1), new Float32Array(100).fill(i)]);
  return optimizer.readAll();
};
Promise.all(['cpu', 'webasm'].flatMap((mode) => [{ clipnorm: 1 }, { globalClipnorm: 1 }, { clipvalue: 1 }].map((clip) => run(mode, clip))))`;

async function trained(code: string): Promise<string> {
  const context = createContext({ gpujs, structuredClone });
  runInContext(code, context);
  const all = (await runInContext(TRAIN, context)) as Record<string, Float32Array>[];
  return JSON.stringify(all.map((values) => Object.values(values).map((array) => Array.from(array))));
}

describe('minified', () => {
  it.each<[string, () => Promise<string>]>([
    ['rolldown', () => bundle('gpujs', 'gpujs', { globals, minify: true })],
    ['esbuild', async () => (await transform(plain, { minify: true })).code],
    ['terser', async () => (await terser(plain, { compress: { unsafe: true } })).code!],
    ['swc', async () => (await swc(plain, { compress: true, mangle: true })).code],
  ])('by %s it trains as before, to the bit', { timeout: 60_000 }, async (_name, make) => {
    const code = await make();
    expect(code.length).toBeLessThan(0.7 * plain.length);
    expect(await trained(code)).toBe(await trained(plain));
  });
});
