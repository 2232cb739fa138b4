// Installs the dependencies where they are missing or older than the lockfile; otherwise does nothing, at once.
import { existsSync, statSync, utimesSync } from 'node:fs';
import { isMain, pnpm } from './pnpm.mjs';

const lockfile = new URL('../pnpm-lock.yaml', import.meta.url);
const installed = new URL('../node_modules/.modules.yaml', import.meta.url);

/** Gives the exit status; 0 when all was there. */
export async function install() {
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs) return 0;
  const status = await pnpm(['install'], { stdio: ['inherit', 2, 'inherit'] });
  if (status === 0) utimesSync(installed, new Date(), new Date()); // pnpm leaves the file alone when nothing had changed
  return status;
}

if (isMain(import.meta.url)) process.exitCode = await install();
