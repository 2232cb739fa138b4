import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Backend } from '@sgd/core';
import { oneLine, UsageError } from './errors.ts';

/** A backend of which only the contract is known. */
export type AnyBackend = Backend<unknown>;

/** What a module for apps and the suite exports by default. */
type Factory = (variant?: string) => AnyBackend | Promise<AnyBackend>;

/**
 * Loads a backend: `NAME` is `@sgd/NAME`, else a package (`some-package`, `@scope/package`) or a file (`./backend.js`), and
 * `:VARIANT` may follow. The backend is made by the default export: of a package's `conformance` entry, else of the package; of a file.
 *
 * @throws UsageError when there is no such module, or it has no such variant
 */
export async function loadBackend(text: string): Promise<AnyBackend> {
  const { name, variant } = parseBackend(text);
  const { default: factory } = await importFirst(candidates(name), text);
  if (typeof factory !== 'function') {
    throw new UsageError(
      `backend ${text}: expected a module whose default export makes a backend, got ${typeof factory}`,
    );
  }
  let backend: Partial<AnyBackend> | null | undefined;
  try {
    backend = await (factory as Factory)(variant);
  } catch (error) {
    throw new UsageError(`backend ${text}: ${oneLine(error)}`, { cause: error });
  }
  if (typeof backend?.open === 'function' && backend.supports instanceof Set) return backend as AnyBackend;
  throw new UsageError(`backend ${text}: expected a module whose default export makes a backend, got something else`);
}

/** Takes `NAME[:VARIANT]` apart. The colon of a drive (`C:\`) or of `file:` is none. */
function parseBackend(text: string): { name: string; variant: string | undefined } {
  const colon = text.lastIndexOf(':');
  const tail = text.slice(colon + 1);
  if (colon < 2 || /[\\/]/.test(tail)) return { name: text, variant: undefined };
  return { name: text.slice(0, colon), variant: tail };
}

/** Where the module may be, the likeliest first: beside this app, then where the command was called. */
function candidates(name: string): string[] {
  if (name.startsWith('file:')) return [name];
  if (/^[./\\]|^[a-z]:|\.[cm]?[jt]s$/i.test(name)) return [pathToFileURL(resolve(name)).href];
  const packages = /^[\w-]+$/.test(name) ? [`@sgd/${name}`, name] : [name];
  const ids = [...packages.map((id) => `${id}/conformance`), name];
  return ids.flatMap((id) => [id, ...installed(id)]);
}

function installed(id: string): string[] {
  try {
    return [pathToFileURL(createRequire(join(process.cwd(), 'package.json')).resolve(id)).href];
  } catch {
    return []; // not installed there
  }
}

async function importFirst(ids: readonly string[], text: string): Promise<{ default?: unknown }> {
  for (const id of ids) {
    try {
      return (await import(id)) as { default?: unknown };
    } catch (error) {
      if (!isMissing(error, id)) throw new UsageError(`backend ${text}: ${oneLine(error)}`, { cause: error });
    }
  }
  throw new UsageError(
    `backend ${text}: not found, expected NAME[:VARIANT] of an installed @sgd/NAME (such as cpu or cpu:float64), a package or a file`,
  );
}

/** Whether the module itself is missing, not one that it imports. */
function isMissing(error: unknown, id: string): boolean {
  const { code, message = '' } = error as { code?: string; message?: string };
  const sought = id.startsWith('file:') ? new URL(id).pathname : id.replace(/\/conformance$/, '');
  return /^ERR_(MODULE_NOT_FOUND|PACKAGE_PATH_NOT_EXPORTED)$/.test(code ?? '') && message.includes(sought);
}
