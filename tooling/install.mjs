// Installs the dependencies where they are missing or older than the lockfile; otherwise does nothing, at once.
import { existsSync, statSync, utimesSync } from 'node:fs';
import { pnpm } from './pnpm.mjs';

const lockfile = new URL('../pnpm-lock.yaml', import.meta.url);
const installed = new URL('../node_modules/.modules.yaml', import.meta.url);
const stale = () => !existsSync(installed) || statSync(installed).mtimeMs < statSync(lockfile).mtimeMs;

if (stale()) {
  const status = await pnpm(['install']);
  if (status !== 0) process.exit(status);
  utimesSync(installed, new Date(), new Date()); // pnpm leaves the file alone when nothing had changed
}
