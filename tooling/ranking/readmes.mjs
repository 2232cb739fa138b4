// The table "which backend here", between its two comments in the READMEs.
import { readFileSync, readdirSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const SIZES = [1e3, 1e5, 1e6];
const ROWS = [
  ['typed arrays', 'wasm', 'wasm', "Keras's bits"],
  ['typed arrays, float64 too, or few', 'cpu', 'cpu', "Keras's bits"],
  ['tensors of TensorFlow.js', 'tfjs', 'tfjs:wasm', "Keras's bits on cpu and wasm"],
  ['tensors of ONNX Runtime', 'onnxruntime', 'onnxruntime:node', "Keras's bits, norms within 1e-5"],
  ['textures or arrays of gpu.js', 'gpujs', 'gpujs:webasm', "Keras's bits on cpu and webasm"],
];
const BEGIN = '<!-- which backend here: written by npm run ranking -->';
const END = '<!-- end of which backend here -->';

const manifest = (name) => JSON.parse(readFileSync(new URL(`packages/${name}/package.json`, root), 'utf8'));

/** The READMEs that have the table: of the repository and of each package that is imported. */
export const readmes = () => [
  'README.md',
  ...readdirSync(new URL('packages/', root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && manifest(entry.name).exports)
    .map(({ name }) => `packages/${name}/README.md`),
];

/** A README with the table as it should be; `null` when it has no place for it. */
export function withTable(file, text, { node: { machine, runtime, rows } }) {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) return null;
  const link = (name) => `[\`@sgd/${name}\`](${file === 'README.md' ? 'packages/' : '../'}${name}/README.md)`;
  const figure = (name, elements) =>
    rows.find((one) => one.name === name)?.nanoseconds[elements]?.toPrecision(2) ?? '–';
  const cells = [
    ['your gradients are in', 'take', 'numbers', ...SIZES.map((size) => size.toLocaleString('en-US'))],
    ...ROWS.map(([where, name, measured, numbers]) => [
      where,
      link(name),
      numbers,
      ...SIZES.map((s) => figure(measured, s)),
    ]),
  ];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const table = [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
  const about = `Nanoseconds an element for a step of momentum over so many, on ${machine}, ${runtime}. Nothing was measured on a real GPU. \`npx sgd-doctor\` measures
yours, and [\`@sgd/auto\`](${file === 'README.md' ? 'packages/' : '../'}auto/README.md) chooses.`;
  return `${text.slice(0, from)}${BEGIN}\n\n${table}\n\n${about}\n\n${text.slice(to)}`;
}
