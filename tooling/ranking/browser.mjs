import { openBench } from '../../packages/auto/bench/chromium.mjs';
import { machine, NOISY, Rows, SIZES } from './rows.mjs';

/** Where gradients live, and for TensorFlow.js the engines that it may be on. */
const TURNS = {
  host: [undefined],
  tfjs: ['cpu', 'wasm', 'webgl', 'webgpu'],
  onnxruntime: [undefined],
  gpujs: [undefined],
};
export const KINDS = Object.keys(TURNS);

const MILLISECONDS = 400;
/** Each is timed so often, in pages of their own at different times, and the lowest counts; more often while the two lowest differ too much. */
const [ROUNDS, MOST_ROUNDS] = [3, 6];

const say = (text) => process.stderr.write(process.stderr.isTTY ? `\r${text}\x1B[K` : `${text}\n`);

/** How much longer the second lowest is than the lowest, as a share of it. */
function spread(samples) {
  const [first, second = Infinity] = samples.toSorted((a, b) => a - b);
  return second / first - 1;
}

/** The figures of pages in Chromium; kinds that are not named keep the figures that there are. */
export async function measureBrowser(kinds, kept) {
  const bench = await openBench();
  try {
    const turns = kinds.flatMap((gradients) =>
      TURNS[gradients].flatMap((engine) =>
        SIZES.map((elements) => ({ gradients, engine, elements, found: new Map() })),
      ),
    );
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const due = turns.filter(
        ({ found }) => round < ROUNDS || [...found.values()].some((one) => spread(one.samples) > NOISY),
      );
      for (const [i, turn] of due.entries()) {
        const { gradients, engine, elements } = turn;
        say(`Chromium, round ${round + 1}: ${i + 1} of ${due.length}: ${elements} elements, ${engine ?? gradients}`);
        await take(bench, turn);
      }
    }
    const runtime = `Chromium ${bench.version.split('.')[0]}`;
    return { machine: machine(), runtime, renderer: await bench.renderer(), rows: rowsOf(turns, kinds, kept) };
  } finally {
    await bench.close();
    if (process.stderr.isTTY) say('');
  }
}

/** One page: a sample of each candidate that runs. */
async function take(bench, { gradients, engine, elements, found }) {
  const workload = { shapes: [[elements]] };
  const given = { gradients, workload, engine, milliseconds: MILLISECONDS };
  const { candidates } = await bench.visit((time) => time(given));
  for (const { name, device, nanosecondsPerElement } of candidates) {
    if (nanosecondsPerElement === undefined) continue;
    const full = engine === undefined ? name : `${name}:${engine}`;
    if (!found.has(full)) found.set(full, { device, samples: [] });
    found.get(full).samples.push(nanosecondsPerElement);
  }
}

function rowsOf(turns, kinds, kept) {
  const rows = new Rows();
  for (const { found, elements } of turns) {
    for (const [name, { device, samples }] of found)
      rows.add(name, device, elements, Math.min(...samples), spread(samples) > NOISY);
  }
  const others = (kept?.rows ?? []).filter(({ name }) => !kinds.includes(kindOf(name)));
  const order = ({ name }) => KINDS.indexOf(kindOf(name));
  return [...others, ...rows.all()].toSorted((a, b) => order(a) - order(b));
}

/** Where gradients of a candidate live, by its name. */
const kindOf = (name) => (KINDS.includes(name.split(':')[0]) ? name.split(':')[0] : 'host');
