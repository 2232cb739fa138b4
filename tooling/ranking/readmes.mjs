// The table "which backend here", between its two comments in the READMEs.
import { readFileSync, readdirSync } from 'node:fs';
import { playerOf } from './rows.mjs';

const root = new URL('../../', import.meta.url);
const SIZES = [1e3, 1e6];
/** Where gradients are, the package, its numbers, and which of the figures are of it. */
const ROWS = [
  ['typed arrays', 'wasm', "Keras's bits", /^wasm$/],
  ['typed arrays, float64 too, or few', 'cpu', "Keras's bits", /^cpu$/],
  ['tensors of TensorFlow.js', 'tfjs', "Keras's bits on cpu and wasm", /^tfjs:/],
  ['tensors of ONNX Runtime', 'onnxruntime', "Keras's bits, norms within 1e-5", /^onnxruntime:/],
  ['textures or arrays of gpu.js', 'gpujs', "Keras's bits on cpu and webasm", /^gpujs:/],
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
export function withTable(file, text, { node, browser }) {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) return null;
  const [packages, docs] = file === 'README.md' ? ['packages/', 'docs/'] : ['../', '../../docs/'];
  // of its engines the one that is the fastest for many elements; one that a program draws is nobody's choice
  const figures = (place, names) => {
    const rows = place.rows.filter(({ name, device }) => names.test(name) && device !== 'software');
    const [row] = rows.toSorted((one, other) => one.nanoseconds[SIZES.at(-1)] - other.nanoseconds[SIZES.at(-1)]);
    return SIZES.map((size) => row?.nanoseconds[size]?.toPrecision(2) ?? '–');
  };
  const sizes = SIZES.map((size) => size.toLocaleString('en-US'));
  const cells = [
    [
      'your gradients are in',
      'take',
      'numbers',
      ...sizes.map((size) => `Node, ${size}`),
      ...sizes.map((size) => `page, ${size}`),
    ],
    ...ROWS.map(([where, name, numbers, names]) => [
      where,
      `[\`@sgd/${name}\`](${packages}${name}/README.md)`,
      numbers,
      ...figures(node, names),
      ...figures(browser, names),
    ]),
  ];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const table = [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
  const gpu =
    playerOf(browser) === undefined ? `WebGL and WebGPU: ${browser.renderer}` : 'Nothing was measured on a real GPU';
  const about = `Nanoseconds an element for a step of momentum over so many, on ${node.machine}, ${node.runtime}, ${browser.runtime}. ${gpu};
[all engines and sizes](${docs}which-backend.md). \`npx sgd-doctor\` measures yours, and [\`@sgd/auto\`](${packages}auto/README.md) chooses.`;
  return `${text.slice(0, from)}${BEGIN}\n\n${table}\n\n${about}\n\n${text.slice(to)}`;
}
