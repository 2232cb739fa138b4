import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { findChromium } from '../../../tooling/chromium.mjs';

// A real GPU is used where Chromium finds one.
const ARGS = ['--no-sandbox', '--enable-unsafe-webgpu', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];

/**
 * Builds the page, serves it, and starts Chromium. The page is not cross-origin isolated, as most are not: engines have one thread there. Each
 * visit opens it anew, in a process of its own.
 */
export async function openBench(executablePath = findChromium()) {
  if (executablePath === undefined) throw new Error('there is no Chromium: set CHROME_PATH');
  const outDir = mkdtempSync(join(tmpdir(), 'sgd-bench-'));
  const config = {
    configFile: false,
    root: fileURLToPath(new URL('.', import.meta.url)),
    logLevel: 'error',
    resolve: { conditions: ['@sgd/source', 'module', 'browser', 'production'] },
    build: { outDir, target: 'es2022', emptyOutDir: true, chunkSizeWarningLimit: 1e5 },
  };
  await build(config);
  const server = await preview({ ...config, preview: { port: 0 } });
  const browser = await chromium.launch({ executablePath, args: ARGS });
  const visit = async (work) => {
    const page = await browser.newPage();
    const call = (name, given) => page.evaluate(([job, all]) => globalThis.bench[job](all), [name, given]);
    try {
      await page.goto(server.resolvedUrls.local[0]);
      await page.waitForFunction(() => 'bench' in globalThis);
      return await work(call);
    } finally {
      await page.close();
    }
  };
  return {
    version: browser.version(),
    /** Who draws for WebGL. */
    renderer: () => visit((call) => call('renderer')),
    /** Opens the page for some work; `time` gives the report of `@sgd/auto` that has timed what it is given. */
    visit: (work) => visit((call) => work((given) => call('time', given))),
    async close() {
      await browser.close();
      await new Promise((done) => void server.httpServer.close(done));
      rmSync(outDir, { recursive: true, force: true });
    },
  };
}
