import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { machine, samplesOf } from './measure.mjs';

const child = fileURLToPath(new URL('child.mjs', import.meta.url));

/** What a new process prints. */
async function inProcess(given) {
  const { stdout } = await promisify(execFile)(process.execPath, [child, JSON.stringify(given)]);
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1));
}

/** The report of `@sgd/auto` that has timed what is given. */
const time = inProcess;

/** The reports of a choice: those of `reportsOf`. */
export const choiceInNode = (given) => inProcess({ ...given, choice: true });

/** The figures of Node; kinds that are not named keep those that there are. */
export async function measureNode(kinds, kept) {
  const rows = await samplesOf('Node', ['cpu', 'wasm'], kinds, kept, time);
  return { machine: machine(), runtime: `Node ${process.version}`, rows };
}
