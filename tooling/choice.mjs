// `npm run ranking:check`: see HELP.
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { reportsOf, verdictOf } from './ranking/choice.mjs';
import { choiceInNode } from './ranking/node.mjs';

const KINDS = ['host', 'gpujs', 'onnxruntime'];
const PLACES = ['node', 'browser'];
const LEAST = 0.9;
const HELP = `usage: npm run ranking:check -- [--only node|browser] [--gradients KIND]... [--up-to N]

Is what @sgd/auto takes with \`benchmark: true\` also the fastest when all are timed again, longer? Each choice is made in a process or page of its own,
where nothing is compiled yet, over flat variables and the models of apps/bench. TensorFlow.js is left out: there is nothing to choose.

  --only PLACE      node or browser; default: both
  --gradients KIND  ${KINDS.join(', ')}; may be repeated; default: all
  --up-to N         workloads of at most so many elements; default: 30000000 in Node, 1500000 in the browser, where a program may play the GPU
  --help            this text

The seconds are those of the choice, loading of engines included. CHROME_PATH is the browser, where it is in none of the usual places. Exit status: 0; 1 when a choice is slower than ${LEAST} times the fastest; 2 for wrong flags.
`;

function readFlags() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      gradients: { type: 'string', multiple: true, default: KINDS },
      'up-to': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, gradients, 'up-to': upTo, help } = values;
  if (only !== undefined && !PLACES.includes(only)) throw new Error(`--only ${only}: expected node or browser`);
  const strange = gradients.find((kind) => !KINDS.includes(kind));
  if (strange !== undefined) throw new Error(`--gradients ${strange}: expected one of ${KINDS.join(', ')}`);
  if (upTo !== undefined && !/^[1-9]\d{0,8}$/.test(upTo))
    throw new Error(`--up-to ${upTo}: expected a whole number from 1 to 999999999`);
  const most = upTo === undefined ? { node: 30e6, browser: 1.5e6 } : { node: Number(upTo), browser: Number(upTo) };
  return { places: only === undefined ? PLACES : [only], gradients, most, help };
}

function workloads() {
  const folder = new URL('../apps/bench/workloads/', import.meta.url);
  const models = readdirSync(folder).map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
  return [
    ...[1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].map((size) => ({ name: `${size} in one`, total: size, shapes: [[size]] })),
    { name: '200 of 16x16', total: 51_200, shapes: Array(200).fill([16, 16]) },
    ...models.map(({ id, total, params }) => ({ name: id, total, shapes: params.map(({ shape }) => shape) })),
  ];
}
const options = { momentum: 0.9, nesterov: true, globalClipnorm: 1 };

/** The shares of a place. */
async function check(place, reports, { gradients: kinds, most }) {
  const shares = [];
  for (const gradients of kinds) {
    for (const { name, total, shapes } of workloads()) {
      if (total > most[place]) continue;
      const { chosen, best, share, seconds } = verdictOf(await reports({ gradients, workload: { shapes, options } }));
      shares.push(share);
      const better = chosen === best ? '' : `, ${best}`;
      const line = [place.padEnd(8), gradients.padEnd(12), name.padEnd(16), chosen.padEnd(17)].join(' ');
      console.log(`${line} ${share.toFixed(2)} of the best, in ${seconds.toFixed(1)} s${better}`);
    }
  }
  return shares;
}

async function main() {
  let flags;
  try {
    flags = readFlags();
  } catch (error) {
    process.stderr.write(`ranking:check: ${error.message} (see --help)\n`);
    return 2;
  }
  if (flags.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const shares = [];
  if (flags.places.includes('node')) shares.push(...(await check('node', choiceInNode, flags)));
  if (flags.places.includes('browser')) {
    const { openBench } = await import('../packages/auto/bench/chromium.mjs');
    const bench = await openBench();
    try {
      const inPage = (given) => bench.visit((time) => reportsOf(time, given));
      shares.push(...(await check('browser', inPage, flags)));
    } finally {
      await bench.close();
    }
  }
  const worst = Math.min(...shares);
  console.log(`worst of ${shares.length}: ${worst.toFixed(2)}`);
  return worst >= LEAST ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`ranking:check: ${error.message}\n`);
  process.exitCode = 1;
}
