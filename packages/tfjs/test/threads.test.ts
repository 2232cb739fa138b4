import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { findChromium } from '../../../tooling/chromium.mjs';

const executablePath = findChromium();
const binaries = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));

async function script(): Promise<string> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('page/threads.ts', import.meta.url)),
    platform: 'browser',
    resolve: { conditionNames: ['@sgd/source', 'module', 'browser', 'import', 'default'] },
    logLevel: 'silent',
  });
  const { output } = await bundle.generate({ format: 'esm' });
  return output[0].code;
}

describe.skipIf(executablePath === undefined && !process.env['CI'])('the engine wasm in a page', () => {
  it.each([true, false])(
    'gives the bits of typed arrays; cross-origin isolated, so with threads: %s',
    { timeout: 60_000 },
    async (isolate) => {
      const code = await script();
      const headers = isolate
        ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
        : undefined;
      const browser = await chromium.launch({
        executablePath: executablePath ?? '/usr/bin/chromium',
        args: ['--no-sandbox'],
      });
      try {
        const page = await browser.newPage();
        const errors: string[] = [];
        page.on('pageerror', (error) => errors.push(String(error)));
        await page.route('http://localhost/**', (route) => {
          const path = new URL(route.request().url()).pathname;
          const file = path.endsWith('.wasm')
            ? { contentType: 'application/wasm', body: readFileSync(`${binaries}${path}`) }
            : path === '/main.js'
              ? { contentType: 'text/javascript', body: code }
              : { contentType: 'text/html', body: '<!doctype html><script type="module" src="/main.js"></script>' };
          return route.fulfill({
            ...file,
            ...(headers && { headers: { ...headers, 'Content-Type': file.contentType } }),
          });
        });
        await page.goto('http://localhost/');
        await page
          .waitForFunction(() => document.title !== '', undefined, { timeout: 40_000 })
          .catch((error: unknown) => {
            throw new Error(`the page said nothing: ${errors.join('; ') || String(error)}`);
          });
        expect(JSON.parse(await page.title())).toMatchObject({
          isolated: isolate,
          shared: isolate,
          path: { engine: 'wasm', path: 'fused' },
          fused: true,
          ops: true,
        });
      } finally {
        await browser.close();
      }
    },
  );
});
