#!/usr/bin/env node
// `npm run playground`: serves the built page until Ctrl-C. The page was built before this runs.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { preview } from 'vite';
import { endWithOutput } from '../../../tooling/output.mjs';

const HELP = `usage: npm run playground -- [flags]

Serves a page that trains a digit classifier with every option of the optimizer on every backend.

  --port <n>       port to listen at, or the next one that is free (default: 4173)
  --host <address> address to listen at; 0.0.0.0 for other machines (default: localhost)
  --base <path>    path under which the page lies (default: /)
  --build          only build: static files for any web server, under any path
  --help           print this
`;
const root = fileURLToPath(new URL('..', import.meta.url));
const site = fileURLToPath(new URL('../dist', import.meta.url));

/** @throws Error for flags or values that are wrong */
function readFlags(args) {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '4173' },
      host: { type: 'string', default: 'localhost' },
      base: { type: 'string', default: '/' },
      build: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535 || values.port.trim() === '')
    throw new Error(`--port ${values.port}: expected a whole number from 0 to 65535`);
  return { ...values, port, base: `/${values.base}/`.replace(/\/+/g, '/') };
}

/** Gives the exit status; `null`: it goes on. */
async function main() {
  let flags;
  try {
    flags = readFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(
      `playground: ${error.message.split('\n', 1)[0].replace(/\. To specify .*/, '')}; see --help\n`,
    );
    return 2;
  }
  if (flags.help) process.stdout.write(HELP);
  if (flags.help) return 0;
  if (!existsSync(site)) throw new Error(`nothing is built at ${site}: run npm run build first`);
  if (flags.build) {
    process.stdout.write(`playground: built, static files in ${site}\n`);
    return 0;
  }
  const { port, host, base } = flags;
  const server = await preview({ root, base, preview: { port, host }, logLevel: 'error' });
  const urls = [...server.resolvedUrls.local, ...server.resolvedUrls.network];
  process.stdout.write(`playground: ${urls.join('  ')}  (Ctrl-C ends it)\n`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
  return null;
}

endWithOutput('playground');
try {
  const status = await main();
  if (status !== null) process.exitCode = status;
} catch (error) {
  process.stderr.write(`playground: ${error.message}\n`);
  process.exitCode = 1;
}
