/**
 * What needs a file system.
 *
 * @packageDocumentation
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GoldenFiles } from './goldens/format.ts';

export { loadBackend } from './cli/resolve.ts';

/**
 * The golden files of a directory, for `conformance({ goldens })`: every `.json` in it, `manifest.json` among them.
 *
 * @throws Error of the file system
 */
export function readGoldens(directory: string): GoldenFiles {
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}
