import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../../tooling/chromium.mjs';
import { type Bench, openBench } from '../bench/chromium.mjs';
import type { Given } from '../bench/page.ts';

const browser = findChromium() !== undefined;

describe.skipIf(!browser && !process.env['CI'])('the page that npm run ranking times in', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  }, 60_000);
  afterAll(() => bench?.close());

  const cases: readonly (Pick<Given, 'gradients' | 'engine'> & {
    readonly runs: readonly string[];
    readonly says: RegExp;
  })[] = [
    { gradients: 'host', runs: ['wasm', 'cpu'], says: /SIMD/ },
    { gradients: 'tfjs', engine: 'wasm', runs: ['tfjs'], says: /^tfjs is on wasm;/ },
    { gradients: 'tfjs', engine: 'webgl', runs: ['tfjs'], says: /^tfjs is on webgl / },
    { gradients: 'onnxruntime', runs: ['onnxruntime:webgpu', 'onnxruntime:wasm'], says: /on WebGPU/ },
    {
      gradients: 'gpujs',
      runs: ['gpujs:webgl2', 'gpujs:webgl', 'gpujs:webasm', 'gpujs:cpu', 'gpujs:webgpu'],
      says: /mode webgl2 on /,
    },
  ];
  it.each(cases)(
    'times gradients of $gradients on $engine: $runs',
    { timeout: 60_000 },
    async ({ runs, says, ...kind }) => {
      const given = { ...kind, workload: { shapes: [[8]] }, milliseconds: 10 };
      const { runtime, candidates } = await bench.visit((time) => time(given));
      expect(runtime).toBe('page');
      const timed = candidates.filter(({ measured }) => measured === 'now');
      expect(timed.map(({ name }) => name)).toEqual(runs);
      for (const { nanosecondsPerElement } of timed) expect(nanosecondsPerElement).toBeGreaterThan(0);
      expect(timed[0]!.reason).toMatch(says);
    },
  );

  it('says who draws', async () => {
    expect(await bench.renderer()).toMatch(/\w/);
    expect(bench.version).toMatch(/^\d+\./);
  });
});
