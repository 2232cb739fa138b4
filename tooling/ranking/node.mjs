import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machine, NOISY, Rows, SIZES } from './rows.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Contenders of the bench by the names of candidates; ordinary arrays are what gradients on the host are in. */
const CONTENDERS = {
  'wasm:arrays': 'wasm',
  ...Object.fromEntries(
    ['cpu', 'tfjs:cpu', 'tfjs:wasm', 'onnxruntime:node', 'onnxruntime:wasm', 'gpujs:cpu', 'gpujs:webasm'].map(
      (name) => [name, name],
    ),
  ),
};
const words = [
  'steps',
  'momentum',
  ...SIZES.map((size) => size.toExponential().replace('+', '')),
  ...Object.keys(CONTENDERS),
];

/** The figures of Node, from a run of apps/bench. */
export function measureNode() {
  const folder = mkdtempSync(join(tmpdir(), 'sgd-ranking-'));
  const file = join(folder, 'bench.json');
  try {
    const flags = ['tooling/run.mjs', '@sgd/bench', '--only', words.join(' '), '--out', file, '--progress'];
    execFileSync(process.execPath, flags, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    const rows = new Rows();
    for (const row of JSON.parse(readFileSync(file, 'utf8')).rows) {
      const name = CONTENDERS[row.contender];
      const elements = Number(row.workload);
      if (row.options !== 'momentum' || name === undefined || !(elements > 0)) continue;
      rows.add(name, 'cpu', elements, row.nsPerElement, row.spread > NOISY);
    }
    return { machine: machine(), runtime: `Node ${process.version}`, rows: rows.all() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
