// Builds all packages, or those that match the given turbo filters. Says nothing unless it fails: turbo skips what is built.
import { install } from './install.mjs';
import { isMain, pnpm } from './pnpm.mjs';

/** Gives the exit status. */
export async function build(filters) {
  const status = await install();
  if (status !== 0) return status;
  const chosen = filters.map((filter) => `--filter=${filter}`);
  // there is nothing to verify: see above
  const turbo = ['--config.verifyDepsBeforeRun=false', 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only'];
  const output = [];
  const result = await pnpm([...turbo, ...chosen], { stdio: ['ignore', 'pipe', 'pipe'], output });
  if (result !== 0) process.stderr.write(Buffer.concat(output));
  return result;
}

if (isMain(import.meta.url)) process.exitCode = await build(process.argv.slice(2));
