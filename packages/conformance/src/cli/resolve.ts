import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AnyBackend } from '../backend.ts';

/** A wrong flag, or one whose value leads nowhere: one line for the user. */
export class UsageError extends Error {}

/** `cpu:float64` in two. Colons of drives, URLs and paths are none of a variant. */
export function splitVariant(text: string): { name: string; variant: string | undefined } {
  const match = /^(.{2,}?):([^:/\\]+)$/.exec(text);
  if (!match || match[1] === 'file' || match[1] === 'node') return { name: text, variant: undefined };
  return { name: match[1]!, variant: match[2] };
}

/** Modules that a name may mean, best first. */
function candidates(name: string, cwd: string): string[] {
  if (name.startsWith('file:')) return [name];
  if (/^(\.{0,2}[/\\]|\.{1,2}$|[A-Za-z]:[/\\])/.test(name)) return [pathToFileURL(resolve(cwd, name)).href];
  const short = /^[a-z0-9][\w.-]*$/i.test(name) ? [`@sgd/${name}/conformance`] : [];
  return [...short, `${name}/conformance`, name];
}

/**
 * Imports the module that `--backend` names, and makes the backend.
 *
 * @param text - `NAME[:VARIANT]`, a package or a path
 * @param cwd - where paths and packages are looked for first; then from this package
 * @throws UsageError, with a message of one line, when nothing is found or no backend comes of it
 */
export async function loadBackend(text: string, cwd: string = process.cwd()): Promise<AnyBackend> {
  const { name, variant } = splitVariant(text);
  const tried = candidates(name, cwd);
  const url = tried.map((specifier) => locate(specifier, cwd)).find((found) => found !== undefined);
  if (url === undefined)
    throw new UsageError(
      `--backend ${text}: not found, expected NAME[:VARIANT] of an installed @sgd/NAME (such as cpu), a package or a file; tried ${tried.join(', ')}`,
    );
  let made: unknown;
  try {
    const { default: factory } = (await import(url)) as { default?: unknown };
    made = typeof factory === 'function' ? await (factory as (variant?: string) => unknown)(variant) : factory;
  } catch (error) {
    throw new UsageError(`--backend ${text}: ${oneLine(error)}`);
  }
  const backend = made as AnyBackend | undefined | null;
  if (typeof backend?.open !== 'function')
    throw new UsageError(
      `--backend ${text}: expected a module whose default export makes a backend, got ${typeof made}`,
    );
  return backend;
}

/** The first line of what an error says. */
export function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!;
}

/** From the user's folder first, then from this package's. */
function locate(specifier: string, cwd: string): string | undefined {
  if (specifier.startsWith('file:')) return existsSync(fileURLToPath(specifier)) ? specifier : undefined;
  for (const from of [cwd, dirname(fileURLToPath(import.meta.url))]) {
    const found = fromRequire(specifier, from) ?? fromExports(specifier, from);
    if (found !== undefined) return pathToFileURL(found).href;
  }
  return undefined;
}

function fromRequire(specifier: string, from: string): string | undefined {
  try {
    const found = createRequire(join(from, 'noop.js')).resolve(specifier);
    return isAbsolute(found) ? found : undefined; // else a module of Node's own
  } catch {
    return undefined;
  }
}

/** A package that exports to `import` only is invisible to require. */
function fromExports(specifier: string, from: string): string | undefined {
  const [, name, rest = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  for (let folder = from; ; folder = dirname(folder)) {
    const home = join(folder, 'node_modules', name);
    if (existsSync(join(home, 'package.json'))) {
      const { exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { exports?: unknown };
      const isMap =
        typeof exports === 'object' && exports !== null && Object.keys(exports).some((key) => key.startsWith('.'));
      const target = targetOf(
        isMap ? (exports as Record<string, unknown>)[`.${rest}`] : rest === '' ? exports : undefined,
      );
      return target === undefined ? undefined : join(home, target);
    }
    if (folder === dirname(folder)) return undefined;
  }
}

function targetOf(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry;
  if (typeof entry !== 'object' || entry === null) return undefined;
  const conditions = ['node', 'import', 'module', 'default'];
  for (const [condition, value] of Object.entries(entry)) {
    const target = conditions.includes(condition) ? targetOf(value) : undefined;
    if (target !== undefined) return target;
  }
  return undefined;
}
