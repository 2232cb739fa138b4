import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { describe, expect, it } from 'vitest';
import { findChromium } from '../tooling/chromium.mjs';
import { root } from './workspace.ts';

// What users do: a page bundled with Vite, from what is built, opened in Chromium.
const chrome = findChromium();
const folder = join(root, '.test-results/page');
const outDir = join(folder, 'dist');

const page = `
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { SGD } from '@sgd/tfjs';

const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
const optimizer = new SGD({ learningRate: 0.1, momentum: 0.9, nesterov: true, globalClipnorm: 1, useEma: true, emaMomentum: 0.9 });
model.compile({ optimizer, loss: 'meanSquaredError' });
const x = tf.tensor2d([-1, 0, 1, 2], [4, 1]);
const y = tf.tensor2d([-3, -1, 1, 3], [4, 1]); // 2x - 1
const { history } = await model.fit(x, y, { epochs: 200, verbose: 0, callbacks: optimizer.callbacks() });
const weights = model.getWeights().map((w) => w.dataSync()[0]);
window.result = { weights, loss: history.loss.at(-1), steps: optimizer.iterations, path: optimizer.path().path };
`;

describe.skipIf(!chrome && !process.env.CI)('a page bundled with Vite', () => {
  it('trains with the drop-in optimizer', { timeout: 60_000 }, async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'index.html'), '<!doctype html><script type="module" src="./main.js"></script>');
    writeFileSync(join(folder, 'main.js'), page);
    const settings = {
      root: folder,
      configFile: false,
      logLevel: 'silent',
      build: { outDir, target: 'es2022' },
    } as const;
    await build(settings);
    const server = await preview({ ...settings, preview: { port: 0 } });
    const browser = await chromium.launch({ executablePath: chrome!, args: ['--no-sandbox'] });
    try {
      const tab = await browser.newPage();
      const errors: string[] = [];
      tab.on('pageerror', (error) => errors.push(error.message));
      await tab.goto(server.resolvedUrls!.local[0]!);
      const result = await tab.waitForFunction(() => (window as { result?: unknown }).result, undefined, {
        timeout: 40_000,
      });
      const { weights, loss, steps, path } = (await result.jsonValue()) as {
        weights: number[];
        loss: number;
        steps: number;
        path: string;
      };
      expect(errors).toEqual([]);
      expect(weights[0]).toBeCloseTo(2, 1);
      expect(weights[1]).toBeCloseTo(-1, 1);
      expect(loss).toBeLessThan(0.01);
      expect([steps, path]).toEqual([200, 'fused']);
    } finally {
      await browser.close();
      await new Promise((done) => void server.httpServer.close(done));
    }
  });
});
