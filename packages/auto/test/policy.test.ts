import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright';
import { build, type InlineConfig, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../../tooling/chromium.mjs';
import type { SelectionReport } from '../src/index.ts';

const executablePath = findChromium();
const outDir = mkdtempSync(join(tmpdir(), 'sgd-policy-'));

describe.skipIf(executablePath === undefined && !process.env['CI'])('a page under a content security policy', () => {
  const config: InlineConfig = {
    configFile: false,
    root: fileURLToPath(new URL('page', import.meta.url)),
    logLevel: 'error',
    resolve: { conditions: ['@sgd/source'] },
    build: { outDir, target: 'es2022', emptyOutDir: true },
  };
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
    await build(config);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(outDir, { recursive: true, force: true });
  });

  async function reports(policy: string): Promise<SelectionReport[]> {
    const headers = { 'Content-Security-Policy': `script-src 'self' ${policy}` };
    const server = await preview({ ...config, preview: { port: 0, headers } });
    const page = await browser.newPage();
    try {
      await page.goto(server.resolvedUrls!.local[0]!);
      await expect.poll(() => page.title(), { timeout: 20_000 }).not.toBe('waiting');
      return JSON.parse(await page.title()) as SelectionReport[];
    } finally {
      await page.close();
      await server.close();
    }
  }
  const reason = (report: SelectionReport | undefined, name: string): string | undefined =>
    report?.candidates.find((one) => one.name === name)?.reason;

  it('that forbids to make code: cpu, and what to allow for the others', async () => {
    const [host, gpu] = await reports('');
    expect(host?.chosen).toBe('cpu');
    expect(reason(host, 'wasm')).toMatch(
      /may not be compiled here; a content security policy needs 'wasm-unsafe-eval'/,
    );
    expect(gpu?.chosen).toBeNull();
    expect(reason(gpu, 'gpujs:cpu')).toMatch(/made into functions here; a content security policy needs 'unsafe-eval'/);
  });

  it('that allows WebAssembly: wasm', async () => {
    const [host, gpu] = await reports("'wasm-unsafe-eval'");
    expect([host?.chosen, gpu?.chosen]).toEqual(['wasm', null]);
  });

  it('that allows everything: all', async () => {
    const [host, gpu] = await reports("'unsafe-eval'");
    expect([host?.chosen, gpu?.chosen]).toEqual(['wasm', 'gpujs:cpu']);
  });
});
