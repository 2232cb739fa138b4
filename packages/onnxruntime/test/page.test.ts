import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright';
import { build, createServer, type InlineConfig, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../../tooling/chromium.mjs';

const executablePath = findChromium();
const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const outDir = mkdtempSync(join(tmpdir(), 'sgd-page-'));
afterAll(() => rmSync(outDir, { recursive: true, force: true }));

describe.skipIf(executablePath === undefined && !process.env['CI'])('a page of Vite without configuration', () => {
  const config: InlineConfig = {
    configFile: false,
    root: fileURLToPath(new URL('page', import.meta.url)),
    cacheDir: join(outDir, 'cache'),
    logLevel: 'error',
    build: { outDir: join(outDir, 'dist'), target: 'es2022', emptyOutDir: true },
  };
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
    await build(config);
  }, 120_000);
  afterAll(() => browser?.close());

  /** What the page says in the end. */
  async function outputOf(url: string): Promise<string> {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    try {
      await page.goto(url);
      const output = page.locator('output:not(:empty)');
      await output.waitFor({ state: 'attached', timeout: 45_000 }).catch((error: unknown) => {
        throw new Error(`the page said nothing: ${errors.join('; ') || String(error)}`);
      });
      return (await output.textContent())!;
    } finally {
      await page.close();
    }
  }

  it.each([
    ['built', false],
    ['built', true],
    ['served by the development server', false],
    ['served by the development server', true],
  ])('%s, cross-origin isolated: %s', { timeout: 90_000 }, async (how, isolate) => {
    const headers = isolate ? isolated : {};
    const port = { port: 0, headers };
    const server =
      how === 'built'
        ? await preview({ ...config, preview: port })
        : await (await createServer({ ...config, server: port })).listen();
    try {
      const url = server.resolvedUrls!.local[0]!;
      // three steps of momentum at rate 0.5 with gradients of 0.5: 0.25 + 0.475 + 0.6775 below 1
      const [first, last, came] = (await outputOf(url)).split(' ');
      expect([Number(first), Number(last)]).toEqual([expect.closeTo(-0.4025, 5), expect.closeTo(-0.4025, 5)]);
      expect(came).toBe(String(isolate));
    } finally {
      await server.close();
    }
  });
});
