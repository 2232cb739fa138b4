// A process in which nothing is compiled yet, for `npm run ranking` and `ranking:check`: `-- JSON`, of what is to be timed. Prints the outcome as JSON.
import { selectBackend } from '../../packages/auto/dist/index.js';
import { reportsOf } from './choice.mjs';

const { choice, engine, ...given } = JSON.parse(process.argv[2]);

async function time({ gradients, workload, milliseconds }) {
  return (await selectBackend({ gradients, workload, benchmark: { milliseconds } })).report;
}

if (engine !== undefined) {
  const { default: start } = await import('@sgd/tfjs/conformance');
  await start(engine);
  const { setBackend } = await import('@tensorflow/tfjs-core');
  if (!(await setBackend(engine))) throw new Error(`TensorFlow.js does not start ${engine} here`);
}
const outcome = choice ? await reportsOf(time, given) : await time(given);
process.stdout.write(`\n${JSON.stringify(outcome)}`); // engines may greet before
process.exit(); // threads of an engine may still wait
