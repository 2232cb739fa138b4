// Installs the dependencies where they are missing or older than the lockfile; otherwise does nothing, at once.
import { existsSync, statSync, utimesSync } from 'node:fs';
import { isMain, pnpm } from './pnpm.mjs';

const lockfile = new URL('../pnpm-lock.yaml', import.meta.url);
const installed = new URL('../node_modules/.modules.yaml', import.meta.url);

// its engines are 430 MB on disk: whoever does not ask for them need not wait for them
const heavy = '@sgd/onnxruntime';
const engines = new URL('../packages/onnxruntime/node_modules', import.meta.url);

/** Leaves out what is heavy, as a filter of pnpm and turbo; nothing once it is there. */
export const without = (lean) => (lean && !existsSync(engines) ? [`!${heavy}`] : []);

/** Whether an app, with these flags, can do without what is heavy. */
export const isLean = (words) => !words.some((word) => word.includes('onnxruntime') || word === '@sgd/playground');

/** Gives the exit status; 0 when all was there. `lean`: without what is heavy. */
export async function install(lean = false) {
  const whole = existsSync(engines) || lean;
  if (whole && existsSync(installed) && statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs) return 0;
  const filters = without(lean).flatMap((filter) => ['--filter', filter]);
  const status = await pnpm(['install', ...filters], { stdio: ['inherit', 2, 'inherit'] });
  if (status === 0) utimesSync(installed, new Date(), new Date()); // pnpm leaves the file alone when nothing had changed
  return status;
}

if (isMain(import.meta.url)) process.exitCode = await install();
