import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Where the binaries of tfjs-wasm are. */
const binaries = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));

/** A file of this directory and all that it imports in one script, from source. */
async function bundled(file, options, output) {
  const { rolldown } = await import('rolldown');
  const build = await rolldown({ input: join(here, file), logLevel: 'silent', ...options });
  const { output: chunks } = await build.generate({ ...output, codeSplitting: false });
  await build.close();
  return chunks[0].code;
}

/** Pages that are cross-origin isolated have a clock of 5 µs, others of 100. */
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

const job = ({ fit }) => (fit ? 'measureFit' : 'measureSteps');
const say = (text) => process.stderr.isTTY && process.stderr.write(`\r${text}\x1B[K\r`);

/** The figures of a page, where each engine has a page of its own. */
export async function inPage(executablePath, given) {
  const { chromium } = await import('playwright');
  const code = await bundled(
    'page.ts',
    { platform: 'browser', resolve: { conditionNames: ['@sgd/source', 'module', 'browser', 'import', 'default'] } },
    { format: 'iife', name: 'bench', exports: 'named' },
  );
  // A real GPU is used where Chromium finds one.
  const args = ['--no-sandbox', '--enable-unsafe-webgpu', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
  const browser = await chromium.launch({ executablePath, args });
  const figures = { renderers: {}, rows: [] };
  try {
    for (const engine of given.engines) {
      const page = await browser.newPage();
      page.on('console', (said) => said.type() === 'log' && say(said.text()));
      await page.route('http://localhost/**', (route) => {
        const { pathname } = new URL(route.request().url());
        const [type, body] = pathname.endsWith('.wasm')
          ? ['application/wasm', readFileSync(join(binaries, pathname))]
          : ['text/html', '<!doctype html><title>bench</title>'];
        return route.fulfill({ headers: { ...ISOLATED, 'Content-Type': type }, body });
      });
      await page.goto('http://localhost/');
      await page.addScriptTag({ content: code });
      figures.renderers[engine] = await page.evaluate((name) => globalThis.bench.rendererOf(name), engine);
      const call = ([name, options]) => globalThis.bench[name](options);
      figures.rows.push(...(await page.evaluate(call, [job(given), { ...given, engine }])));
      await page.close();
    }
  } finally {
    await browser.close();
  }
  return figures;
}

/** The figures of Node. */
export async function inNode(given) {
  const code = await bundled(
    'node.ts',
    { platform: 'node', external: /^@tensorflow\//, resolve: { conditionNames: ['@sgd/source', 'import', 'default'] } },
    { format: 'esm' },
  );
  // beside node_modules, where the imports that stay are found
  const folder = mkdtempSync(join(here, '../node_modules/.bench-'));
  const { log } = console;
  console.log = say;
  try {
    const file = join(folder, 'bench.mjs');
    writeFileSync(file, code);
    const bench = await import(file);
    const rows = [];
    for (const engine of given.engines) rows.push(...(await bench[job(given)]({ ...given, engine })));
    return { renderers: {}, rows };
  } finally {
    console.log = log;
    rmSync(folder, { recursive: true });
  }
}
