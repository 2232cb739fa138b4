// `npm run ranking`: times steps of momentum on the engines, with apps/bench, and writes what @sgd/auto goes by where it does not time
// itself, to packages/auto/src/ranking.ts, and the table that the READMEs have of it. `-- --node FILE` and `-- --browser FILE` take the JSON of a bench run instead of running it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../', import.meta.url));
const target = join(root, 'packages/auto/src/ranking.ts');
const { values } = parseArgs({ options: { node: { type: 'string' }, browser: { type: 'string' } } });
const { RANKING: kept } = await import(target.replace(/src\/ranking\.ts$/, 'dist/ranking.js'));

/** Contenders of the bench by the names of candidates; ordinary arrays are what gradients on the host are in. */
const CANDIDATES = { 'wasm:arrays': 'wasm', cpu: 'cpu' };
const nameOf = (contender) =>
  CANDIDATES[contender] ?? (/^(?:onnxruntime|gpujs|tfjs):/.test(contender) ? contender : undefined);

/** Runs the bench; gives its results. */
function bench(only) {
  const folder = mkdtempSync(join(tmpdir(), 'sgd-ranking-'));
  const file = join(folder, 'bench.json');
  try {
    const flags = ['tooling/run.mjs', '@sgd/bench', '--only', only, '--out', file, '--progress'];
    execFileSync(process.execPath, flags, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    return JSON.parse(readFileSync(file, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What of a bench run the package takes. */
function figuresOf({ machine, rows }) {
  const taken = rows
    .filter((row) => row.options === 'momentum' && nameOf(row.contender) !== undefined && Number(row.workload) > 0)
    .map(({ contender, workload, nsPerElement }) => ({
      name: nameOf(contender),
      elements: Number(workload),
      nanosecondsPerElement: Number(nsPerElement.toPrecision(3)),
    }));
  if (taken.length === 0) throw new Error('the bench gave no row of momentum for a candidate');
  return { machine: describe(machine), rows: taken };
}

const describe = ({ cpu, cores, system, node, browser }) =>
  [cpu, `${cores} cores`, system, browser ?? `Node ${node}`].join(', ');
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));

const WORDS =
  'steps momentum 1e1 1e2 1e3 1e5 1e6 cpu wasm:arrays onnxruntime:node onnxruntime:wasm gpujs:cpu gpujs:webasm tfjs:cpu tfjs:wasm';
const ranking = {
  node: figuresOf(values.node ? read(values.node) : bench(WORDS)),
  browser: values.browser ? figuresOf(read(values.browser)) : kept.browser,
};
writeFileSync(
  target,
  `// Written by \`npm run ranking\`: what apps/bench measured. Not to be changed by hand.
import type { Figures } from './figures.ts';

export const RANKING: { readonly node?: Figures; readonly browser?: Figures } = ${JSON.stringify(ranking, null, 2)};
`,
);
execFileSync(join(root, 'node_modules/.bin/oxfmt'), [target]);
execFileSync(process.execPath, ['tooling/build.mjs'], { cwd: root, stdio: 'inherit' });
execFileSync(process.execPath, ['tooling/which-backend.mjs'], { cwd: root, stdio: 'inherit' });
