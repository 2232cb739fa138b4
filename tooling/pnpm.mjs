// Runs the pnpm that package.json pins on a machine that has only Node and npm, through npx: `node tooling/pnpm.mjs install`.
// Under pnpm itself the running pnpm is used as it is.
import { spawn } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);

/** Whether the module of this `import.meta.url` is what node was started with. */
export const isMain = (url) => process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);

/**
 * Runs a command to its end and gives its exit status; `output` collects what comes through pipes.
 * Ctrl-C is the child's to handle: we wait for it.
 */
export function run(command, args, { output, ...options } = {}) {
  const ignore = () => {};
  process.on('SIGINT', ignore);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** Runs pnpm with these arguments and gives its exit status. */
export function pnpm(args, options = {}) {
  const { packageManager } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  const underPnpm = (process.env.npm_config_user_agent ?? '').startsWith('pnpm/');
  // --prefer-offline: with it a second run needs no registry (without it npx waits over a minute for one)
  const [command, argv] = underPnpm ? ['pnpm', args] : ['npx', ['--yes', '--prefer-offline', packageManager, ...args]];
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', NO_UPDATE_NOTIFIER: '1' };
  return run(command, argv, { cwd: root, env, shell: process.platform === 'win32', ...options });
}

if (isMain(import.meta.url)) process.exitCode = await pnpm(process.argv.slice(2));
