import { spawn } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkLinks, type LinkReport } from './links.ts';

const app = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** Where the built site lies, unless told otherwise. */
export const OUT: string = join(app, '.vitepress/dist');

/** Runs a command of a package in the folder of this app; fails when it does. */
function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const child = spawn(process.execPath, [command, ...args], {
    cwd: app,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${args.join(' ')} ended with ${signal ?? `exit code ${code}`}`)),
    );
  });
}

/** The reference of all packages, from the comments of their sources; an export without one is a failure. */
async function reference(): Promise<void> {
  rmSync(fileURLToPath(new URL('../../../docs/api', import.meta.url)), { recursive: true, force: true });
  await run(join(dirname(require.resolve('typedoc/package.json')), 'bin/typedoc'), ['--logLevel', 'Warn']);
}

/** What a site is built with. */
export interface SiteOptions {
  /** The path that the site is served under; begins and ends with "/". */
  readonly base: string;
  readonly out: string;
}

/**
 * Builds the whole site.
 *
 * @throws Error a warning of any part, an undocumented export, a link or anchor that leads nowhere
 */
export async function build({ base, out }: SiteOptions): Promise<LinkReport> {
  await reference();
  const vitepress = join(dirname(require.resolve('vitepress/package.json')), 'bin/vitepress.js');
  await run(vitepress, ['build', '.'], { DOCS_BASE: base, DOCS_OUT: out });
  const report = checkLinks(out, base);
  if (report.broken.length > 0) throw new Error(`links that lead nowhere:\n  ${report.broken.join('\n  ')}`);
  return report;
}

/** Serves what was built, until it is stopped. */
export async function serve({ base, out }: SiteOptions, port: number): Promise<void> {
  if (readdirSync(out).length === 0) throw new Error(`nothing is built in ${out}`);
  const { serve: start } = await import('vitepress');
  process.env.DOCS_BASE = base;
  process.env.DOCS_OUT = out;
  await start({ root: app, base, port });
}
