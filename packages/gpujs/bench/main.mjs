// `npm run bench:gpujs`: in Chromium, a step of @sgd/gpujs beside what users of gpu.js write by hand.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromiumPlaces, findChromium } from '../../../tooling/chromium.mjs';

const HELP = `usage: npm run bench:gpujs -- [--mode webgl2|webgl] [--elements N] [--samples N] [--json]

Times a step in Chromium: the gradient from a kernel, momentum, and the weights, by @sgd/gpujs and as one writes it by hand.

  --mode webgl2|webgl  default: webgl2
  --elements N         weights; default: 1000000
  --samples N          of five steps each; default: 15
  --json               print one JSON object, and nothing else
  --help               this text

CHROME_PATH is the browser, where it is in none of the usual places. Exit status: 0; 1 when there is none, or results differ; 2 for wrong flags.`;

/** Far above what the rounding of three steps makes, far below one step. */
const TOLERANCE = 1e-5;

function flags() {
  const { values } = parseArgs({
    options: {
      mode: { type: 'string', default: 'webgl2' },
      elements: { type: 'string', default: '1000000' },
      samples: { type: 'string', default: '15' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const { mode, elements, samples, json, help } = values;
  if (mode !== 'webgl2' && mode !== 'webgl') throw new Error(`--mode ${mode}: expected webgl2 or webgl`);
  for (const [name, value] of Object.entries({ elements, samples })) {
    if (!/^[1-9]\d{0,7}$/.test(value))
      throw new Error(`--${name} ${value}: expected a whole number from 1 to 99999999`);
  }
  return { mode, elements: Number(elements), samples: Number(samples), json, help };
}

/** The page's code in one script, from source, as `bench`. */
async function bundled() {
  const { rolldown } = await import('rolldown');
  const build = await rolldown({
    input: fileURLToPath(new URL('page.ts', import.meta.url)),
    platform: 'browser',
    resolve: { conditionNames: ['@sgd/source'] },
    logLevel: 'silent', // gpu.js names modules of Node that it does without
  });
  const { output } = await build.generate({ format: 'iife', name: 'bench', exports: 'named' });
  await build.close();
  return output[0].code;
}

async function measured(executablePath, options) {
  const { chromium } = await import('playwright');
  // A real GPU is used where Chromium finds one.
  const args = ['--no-sandbox', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    if (process.stderr.isTTY) page.on('console', (said) => process.stderr.write(`\r${said.text()}\x1B[K\r`));
    await page.setContent('<!doctype html><title>bench</title>');
    await page.addScriptTag({ content: await bundled() });
    return await page.evaluate((given) => globalThis.bench.measure(given), options);
  } finally {
    await browser.close();
  }
}

function print({ renderer, rows }, { mode, elements, samples }) {
  console.log(`${elements} weights, ${mode} on ${renderer}; medians of ${samples} samples\n`);
  const line = (name, ...cells) => console.log(name.padEnd(28) + cells.map((cell) => cell.padStart(14)).join(''));
  const [{ step: first }] = rows;
  line('', 'step, ms', 'spread', 'update, ms', 'times as fast');
  for (const { contender, step, spread, update } of rows) {
    line(contender, step.toFixed(2), `±${Math.round(100 * spread)} %`, update.toFixed(2), (first / step).toFixed(2));
  }
}

async function main() {
  let given;
  try {
    given = flags();
  } catch (error) {
    console.error(`bench:gpujs: ${error.message} (see --help)`);
    return 2;
  }
  if (given.help) {
    console.log(HELP);
    return 0;
  }
  const chrome = findChromium();
  if (!chrome) {
    console.error(`bench:gpujs: no Chromium at ${chromiumPlaces().join(' or ') || '(nothing)'}: set CHROME_PATH`);
    return 1;
  }
  const figures = await measured(chrome, given);
  if (given.json) console.log(JSON.stringify(figures));
  else print(figures, given);
  const wrong = figures.rows.filter(({ difference }) => !(difference <= TOLERANCE));
  for (const { contender, difference } of wrong) {
    console.error(`bench:gpujs: after three steps the weights of "${contender}" are off by ${difference}`);
  }
  return wrong.length === 0 ? 0 : 1;
}

process.exitCode = await main();
