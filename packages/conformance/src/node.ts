/**
 * What needs a file system.
 *
 * @packageDocumentation
 */
import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { GoldenFiles } from './goldens/format.ts';

export { loadBackend } from './cli/resolve.ts';

/** Most bytes that a file of goldens may have. */
const MOST = 2 ** 28;

/**
 * The golden files of a directory, for `conformance({ goldens })`: every `.json` in it, `manifest.json` among them.
 *
 * @throws Error of the file system; an entry ending in `.json` is no regular file (a FIFO would never end), or has more than 256 MiB
 */
export function readGoldens(directory: string): GoldenFiles {
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(names.map((name) => [name, readText(join(directory, name), name)]));
}

function readText(path: string, name: string): string {
  const found = statSync(path);
  if (!found.isFile()) throw new Error(`${name}: expected a regular file, got ${kindOf(found)}; move it away`);
  if (found.size > MOST) throw new Error(`${name}: expected at most ${MOST} bytes, got ${found.size}`);
  return readFileSync(path, 'utf8');
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a directory';
  if (found.isFIFO()) return 'a FIFO';
  return found.isSocket() ? 'a socket' : 'a device';
}
