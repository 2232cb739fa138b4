import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { build, type InlineConfig, preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyWithEngines } from '../../../tests/programs.ts';
import { root } from '../../../tests/workspace.ts';
import { BACKENDS } from '../src/settings/backends.ts';
import { snippetOf } from '../src/settings/snippet.ts';
import { complaintsOf, launch, leftOut } from './chromium.ts';
import { run, training } from './settings.ts';

const folder = join(root, '.test-results/playground-pages');
const config: InlineConfig = {
  configFile: false,
  root: folder,
  logLevel: 'error',
  resolve: { conditions: ['@sgd/source', 'module', 'browser', 'production'] },
  build: { target: 'es2022', minify: false, chunkSizeWarningLimit: 1e5 },
};
/** Those that Node has not, and the one whose files a page has to be given; the others run in Node, in snippet.test.ts. */
const IN_PAGES = BACKENDS.filter((name) => /:webg|^tfjs:wasm$/.test(name));
const fileOf = (backend: string): string => backend.replace(':', '-');
const short = training({ model: 'softmax', limit: 512, epochs: 1 });
const STEPS = 8;

describe.skipIf(leftOut)('the code to copy, in a page that Vite builds', () => {
  let browser: Browser;
  let server: PreviewServer;
  beforeAll(async () => {
    emptyWithEngines(folder);
    for (const backend of IN_PAGES) {
      const { text } = snippetOf(run({ backend, clip: 'globalClipnorm', useEma: true }), short);
      writeFileSync(join(folder, `${fileOf(backend)}.js`), text);
      const page = `<!doctype html><link rel="icon" href="data:," /><script type="module" src="./${fileOf(backend)}.js"></script>`;
      writeFileSync(join(folder, `${fileOf(backend)}.html`), page);
    }
    // as the code says
    const modules = join(root, 'packages/tfjs/node_modules/@tensorflow/tfjs-backend-wasm/wasm-out');
    cpSync(modules, join(folder, 'public'), { recursive: true, filter: (path) => !/\.(?:js|ts|map)$/.test(path) });
    const input = IN_PAGES.map((backend) => join(folder, `${fileOf(backend)}.html`));
    await build({ ...config, build: { ...config.build, rolldownOptions: { input } } });
    [server, browser] = await Promise.all([preview({ ...config, preview: { port: 0 } }), launch()]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it.each(IN_PAGES)('runs as it stands: %s', { timeout: 60_000 }, async (backend) => {
    const page = await browser.newPage();
    const complaints = complaintsOf(page);
    const said = page.waitForEvent('console', {
      predicate: (line) => line.text().endsWith(' updates'),
      timeout: 20_000,
    });
    try {
      await page.goto(`${server.resolvedUrls!.local[0]!}${fileOf(backend)}.html`);
      const line = await said.catch(() => null);
      expect(complaints).toEqual([]);
      expect(line?.text()).toBe(`${STEPS} updates`);
    } finally {
      await page.close();
    }
  });
});
