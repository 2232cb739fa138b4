// The table "which backend here", between its two comments in the READMEs.
import { readFileSync, readdirSync } from 'node:fs';
import { playerOf } from './rows.mjs';
import { CHINESE, ENGLISH } from './words.mjs';

const root = new URL('../../', import.meta.url);
const SIZES = [1e3, 1e6];
/** The packages, and which of the figures are of them. */
const ROWS = [
  ['wasm', /^wasm$/],
  ['cpu', /^cpu$/],
  ['tfjs', /^tfjs:/],
  ['onnxruntime', /^onnxruntime:/],
  ['gpujs', /^gpujs:/],
];
const BEGIN = '<!-- which backend here: written by npm run ranking -->';
const END = '<!-- end of which backend here -->';

const manifest = (name) => JSON.parse(readFileSync(new URL(`packages/${name}/package.json`, root), 'utf8'));

/** What authors of engines import, who know which one. */
const FOR_AUTHORS = ['compile'];

/** The READMEs that have the table: of the repository in each language, and of each package that users import. */
export const readmes = () => [
  'README.md',
  'README.zh-CN.md',
  ...readdirSync(new URL('packages/', root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !FOR_AUTHORS.includes(entry.name) && manifest(entry.name).exports)
    .map(({ name }) => `packages/${name}/README.md`),
];

/** Of the engines of these names the fastest for many elements; one that a program draws is nobody's choice. */
function figuresOf(place, names) {
  const time = ({ nanoseconds }) => nanoseconds[SIZES.at(-1)] ?? Number.MAX_VALUE;
  const rows = place.rows.filter(({ name, device }) => names.test(name) && device !== 'software');
  const [row] = rows.toSorted((one, other) => time(one) - time(other));
  return SIZES.map((size) => row?.nanoseconds[size]?.toPrecision(2) ?? '–');
}

/** A README with the table of now, whose columns the formatter aligns; `null` when it has no place for it. */
export function withTable(file, text, { node, browser }) {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) return null;
  const [packages, docs] = file.includes('/') ? ['../', '../../docs/'] : ['packages/', 'docs/'];
  const words = file.endsWith('.zh-CN.md') ? CHINESE : ENGLISH;
  const sizes = SIZES.map((size) => size.toLocaleString('en-US'));
  const rows = [
    [...words.head, ...sizes.map(words.node), ...sizes.map(words.page)],
    words.head.concat(sizes, sizes).map(() => '---'),
    ...ROWS.map(([name, names]) => {
      const [where, numbers] = words.rows[name];
      const take = `[\`@sgd/${name}\`](${packages}${name}/README.md)`;
      return [where, take, numbers, ...figuresOf(node, names), ...figuresOf(browser, names)];
    }),
  ];
  const table = rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
  const about = words.about({
    machine: `${node.machine}, ${node.runtime}, ${browser.runtime}`,
    gpu: playerOf(browser) === undefined ? words.gpu(browser.renderer) : words.noGpu,
    docs: `${docs}which-backend.md`,
    auto: `${packages}auto/README.md`,
  });
  return `${text.slice(0, from)}${BEGIN}\n\n${table}\n\n${about}\n\n${text.slice(to)}`;
}
