// `npm run bench:tfjs`: steps and epochs of @sgd/tfjs beside tf.train.momentum, in Chromium or in Node.
import { parseArgs } from 'node:util';
import { chromiumPlaces, findChromium } from '../../../tooling/chromium.mjs';
import { inNode, inPage } from './places.mjs';

const IN_NODE = ['cpu', 'wasm'];
const ENGINES = ['webgl', 'webgpu', ...IN_NODE];
const MODELS = ['dense', 'conv'];
const HELP = `usage: npm run bench:tfjs -- [--engine NAME]... [--fit [--model NAME]] [--node] [--elements N] [--examples N] [--samples N] [--json]

Times steps of tf.train.momentum and @sgd/tfjs on engines of TensorFlow.js, and of all options fused and by operations; in Chromium.
Contenders take turns.

  --engine NAME   ${ENGINES.join(', ')}; may be repeated; default: all
  --fit           epochs of model.fit instead, of a dense and a convolutional model
  --model NAME    dense, 784-128-10, or conv, conv8-pool-conv16-pool-dense10; default: both, on wasm, which
                  has no gradient of convolutions, dense
  --node          in Node: the engines ${IN_NODE.join(' and ')}
  --elements N    of the large variable; default: 1000000
  --examples N    of an epoch, in batches of 32; an eighth of them for conv; default: 512
  --samples N     of six steps, or of one epoch, each; default: 15
  --json          print one JSON object, and nothing else
  --help          this text

CHROME_PATH is the browser, where it is in none of the usual places. Exit status: 0; 1 when there is none, or results differ; 2 for wrong flags.`;

/** Far above what the rounding of some steps makes, far below one step. */
const TOLERANCE = 1e-4;

function flags() {
  const { values } = parseArgs({
    options: {
      engine: { type: 'string', multiple: true },
      fit: { type: 'boolean' },
      model: { type: 'string' },
      node: { type: 'boolean' },
      elements: { type: 'string', default: '1000000' },
      examples: { type: 'string', default: '512' },
      samples: { type: 'string', default: '15' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const { fit, model, node, elements, examples, samples, json, help } = values;
  const known = node ? IN_NODE : ENGINES;
  const { engine: engines = known } = values;
  const strange = engines.find((engine) => !known.includes(engine));
  if (strange !== undefined) throw new Error(`--engine ${strange}: expected one of ${known.join(', ')}`);
  if (model !== undefined && !fit) throw new Error('--model is for --fit');
  if (model !== undefined && !MODELS.includes(model))
    throw new Error(`--model ${model}: expected one of ${MODELS.join(', ')}`);
  if (model === 'conv' && values.engine?.includes('wasm'))
    throw new Error('--model conv: wasm has no gradient of convolutions');
  for (const [name, value] of Object.entries({ elements, examples, samples })) {
    if (!/^[1-9]\d{0,7}$/.test(value))
      throw new Error(`--${name} ${value}: expected a whole number from 1 to 99999999`);
  }
  const counts = { elements: Number(elements), examples: Number(examples), samples: Number(samples) };
  return { ...counts, engines, models: model === undefined ? MODELS : [model], fit, node, json, help };
}

function print({ renderers, rows }, { fit, node, samples }) {
  const unit = fit ? 'an epoch of fit' : 'a step';
  console.log(`${unit}, ${node ? `Node ${process.version}` : 'Chromium'}; medians of ${samples} samples`);
  for (const [engine, renderer] of Object.entries(renderers)) if (renderer) console.log(`${engine}: ${renderer}`);
  let group = '';
  let first = 0;
  for (const { engine, what, contender, ms, spread } of rows) {
    if (group !== `${engine}: ${what}`) {
      group = `${engine}: ${what}`;
      first = ms;
      console.log(`\n${group.padEnd(52)}${'ms'.padStart(10)}${'spread'.padStart(9)}${'times as fast'.padStart(15)}`);
    }
    const cells = [ms.toFixed(2).padStart(10), `±${Math.round(100 * spread)} %`.padStart(9)];
    console.log(`  ${contender.padEnd(50)}${cells.join('')}${(first / ms).toFixed(2).padStart(15)}`);
  }
}

/** The browser, or `null` where there is none; Node needs none. */
function findChrome() {
  const chrome = findChromium();
  if (!chrome)
    console.error(`bench:tfjs: no Chromium at ${chromiumPlaces().join(' or ') || '(nothing)'}: set CHROME_PATH`);
  return chrome;
}

async function main() {
  let given;
  try {
    given = flags();
  } catch (error) {
    console.error(`bench:tfjs: ${error.message} (see --help)`);
    return 2;
  }
  if (given.help) {
    console.log(HELP);
    return 0;
  }
  const chrome = given.node ? undefined : findChrome();
  if (!given.node && !chrome) return 1;
  const figures = await (given.node ? inNode(given) : inPage(chrome, given));
  if (given.json) console.log(JSON.stringify(figures));
  else print(figures, given);
  const wrong = figures.rows.filter(({ difference }) => !(difference <= TOLERANCE));
  for (const { engine, what, contender, difference } of wrong)
    console.error(`bench:tfjs: ${engine}, ${what}: the weights of "${contender}" are off by ${difference}`);
  return wrong.length === 0 ? 0 : 1;
}

process.exitCode = await main();
