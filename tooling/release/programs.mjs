// What the consumers run. Each program prints one line, which is the same wherever it runs.

/** Typed arrays and WebAssembly, schedules, state and errors. As a module. */
export const program = `
import { PiecewiseConstantDecay, SGD, SgdError, deserialize, serialize } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';

async function train(engine) {
  const weights = new Float32Array([1, 2]);
  const learningRate = new PiecewiseConstantDecay({ boundaries: [1], values: [0.5, 0.25] });
  const optimizer = deserialize(serialize(new SGD({ learningRate, momentum: 0.5, globalClipnorm: 2 }, engine)), engine);
  optimizer.build({ weights });
  for (let step = 0; step < 3; step++) optimizer.apply({ weights: new Float32Array([1, -1]) });
  const state = await optimizer.getState();
  return [...weights, state.iterations].join(' ');
}
function refusal() {
  try {
    new SGD({ momentum: 2 }, cpu());
  } catch (error) {
    return error instanceof SgdError ? error.code : String(error);
  }
}
export async function main() {
  const [slow, fast] = [await train(cpu()), await train(await wasm())];
  return [slow, slow === fast, refusal()].join(', ');
}
`;

/** What {@link program} gives: the momentum of the first weight is -0.5, then -0.25 - 0.5, then -0.375 - 0.25. */
export const printed = '-0.875 3.875 3, true, SGD_INVALID_OPTION';

export const asModule = `${program}\nconsole.log(await main());\n`;

export const asRequire = `${program
  .replace(/^import (\{.*\}) from ('.*');$/gm, 'const $1 = require($2);')
  .replace('export async', 'async')}\nmain().then(console.log);\n`;

/** A page whose worker runs the program, and puts what it gave into the title. */
export const page = {
  'index.html': '<!doctype html><title>waiting</title><script type="module" src="./page.js"></script>\n',
  'page.js': `
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => (document.title = data);
worker.onerror = ({ message }) => (document.title = 'error: ' + message);
`,
  'worker.js': `import { main } from './program.js';\nmain().then((line) => postMessage(line));\n`,
  'program.js': program,
};

/** What type-checks, and what must not. */
export const typed = `
import { CosineDecay, SGD, type Schedule } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import { onnxruntime, type Ort } from '@sgd/onnxruntime';
import { conformance } from '@sgd/conformance';
import { selectBackend } from '@sgd/auto'; // without @sgd/tfjs and @sgd/gpujs, which its types mention

declare const ort: Ort;
const { backend } = await selectBackend();
const chosen: boolean = new SGD({}, backend).apply([]);
const learningRate: Schedule = new CosineDecay({ initialLearningRate: 0.5, decaySteps: 100 });
const now: boolean = new SGD({ learningRate }, cpu()).apply([]);
const fast: boolean = new SGD({ momentum: 0.9 }, await wasm()).apply([]);
const later: Promise<boolean> = new SGD({}, onnxruntime({ ort })).apply([]);
// @ts-expect-error: an asynchronous engine returns a promise
const atOnce: boolean = new SGD({}, onnxruntime({ ort })).apply([]);
// @ts-expect-error: no such option
new SGD({ learning_rate: 1 }, cpu());
export { chosen, now, fast, later, atOnce, conformance };
`;
