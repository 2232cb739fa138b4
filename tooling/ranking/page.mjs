import { chart } from './chart.mjs';
import { playerOf, SIZES } from './rows.mjs';

/** The kinds of gradients, and which engines take them. */
const KINDS = [
  {
    id: 'host',
    title: 'Gradients in typed arrays',
    names: /^(?:wasm|cpu)$/,
    advice: `Take [\`@sgd/wasm\`](../packages/wasm/README.md). [\`@sgd/cpu\`](../packages/cpu/README.md) is for \`float64\`, for places that compile no WebAssembly, and as fast for a
handful of numbers.`,
  },
  {
    id: 'tfjs',
    title: 'Gradients in tensors of TensorFlow.js',
    names: /^tfjs:/,
    advice: `Take [\`@sgd/tfjs\`](../packages/tfjs/README.md); the engine is that of your model, by \`tf.setBackend\`. On a processor that is \`wasm\`: \`cpu\` is as fast for some
hundred numbers, and many times as slow for many.`,
  },
  {
    id: 'onnxruntime',
    title: 'Gradients in tensors of ONNX Runtime',
    names: /^onnxruntime:/,
    advice: `Take [\`@sgd/onnxruntime\`](../packages/onnxruntime/README.md) on the ONNX Runtime that your model runs on. A call of a session costs some tens of microseconds, whatever its
size: for few numbers that is all of the time.`,
  },
  {
    id: 'gpujs',
    title: 'Gradients in textures or arrays of gpu.js',
    names: /^gpujs:/,
    advice: `Take [\`@sgd/gpujs\`](../packages/gpujs/README.md) in the mode of the kernels that make your gradients. On a processor, \`cpu\` and \`webasm\` are close.`,
  },
];

const labelOf = (name) => name.split(':').at(-1);

/** Of the figures: the places, with the engines of a kind. */
const panelsOf = ({ names }, { node, browser }) =>
  [
    ['Node', node],
    ['Chromium', browser],
  ].map(([title, { rows }]) => ({
    title,
    rows: rows.filter(({ name }) => names.test(name)).map((row) => ({ ...row, label: labelOf(row.name) })),
  }));

/** The charts, by the names of their files. */
export const chartsOf = (figures) =>
  Object.fromEntries(KINDS.map((kind) => [`which-backend/${kind.id}.svg`, chart(panelsOf(kind, figures))]));

const cell = ({ nanoseconds, noisy = [] }, size) => {
  const ns = nanoseconds[size];
  if (ns === undefined) return '–';
  const figure = ns >= 100 ? Math.round(Number(ns.toPrecision(2))).toLocaleString('en-US') : ns.toPrecision(2);
  return noisy.includes(size) ? `${figure} ~` : figure;
};

function table(kind, figures) {
  const head = ['engine', 'where', ...SIZES.map((size) => size.toLocaleString('en-US'))];
  const lines = panelsOf(kind, figures).flatMap(({ title, rows }) =>
    rows.map((row) => [
      `\`${row.name}\`${row.device === 'software' ? ' *' : ''}`,
      title,
      ...SIZES.map((size) => cell(row, size)),
    ]),
  );
  return [head, head.map(() => '---'), ...lines].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** What drew. */
function graphics(browser) {
  const player = playerOf(browser);
  if (player === undefined) return `WebGL and WebGPU ran on ${browser.renderer}.`;
  return `**No real GPU was measured.** For the engines with * and a dashed line a program, ${player}, played the GPU. Their figures tell what a browser without a GPU
loses by them, and nothing of a GPU.`;
}

/** docs/which-backend.md. */
export function page(figures) {
  const { node, browser } = figures;
  const sections = KINDS.map(
    (kind) => `## ${kind.title}

${kind.advice}

![Nanoseconds an element by the number of elements, in Node and in Chromium; the table has the same figures](which-backend/${kind.id}.svg)

${table(kind, figures)}`,
  );
  return `<!-- written by npm run ranking -->

# Which backend here

Where your gradients are decides first: to move them at each step costs more than another engine saves. Find that section; in it the lowest line at the
size of your model is the fastest engine. \`npx @sgd/auto\` measures Node on your machine; [\`@sgd/auto\`](../packages/auto/README.md) with \`benchmark: true\`
measures wherever your program runs.

All figures are nanoseconds for each element, of a step of momentum over one variable of so many elements, on ${node.machine}, in ${node.runtime},
and in ${browser.runtime}${browser.machine === node.machine ? '' : ` on ${browser.machine}`}, in a page that is not cross-origin isolated, as most are not: engines have one thread there. Both axes of the charts are logarithmic.

${graphics(browser)} Figures with ~ differed by more than a fifth from one time to the next.

${sections.join('\n\n')}

## How it was measured

As \`@sgd/auto\` does it with \`benchmark: true\`, each size in processes and pages of its own, at least three times at different times, of which the lowest
counts. [The bench](../apps/bench/README.md) has more: other options, real models, peers, the bandwidth of memory. \`npm run ranking\` measures again and writes this page, the tables of the READMEs, and the figures that \`@sgd/auto\` goes by.
\`npm run ranking:check\` looks whether what it chooses is the fastest.
`;
}
