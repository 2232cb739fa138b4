import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>> | string;
  readonly files?: readonly string[];
  readonly exports?: Exports;
  readonly imports?: Exports;
  readonly publishConfig?: { readonly access?: string; readonly exports?: Exports };
  readonly repository?: { readonly url: string; readonly directory: string };
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
export type Exports = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** The root folder of the workspace. */
export const root: string = fileURLToPath(new URL('..', import.meta.url));

export const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** The folders of the published packages that are imported (not those that are only run), by their names in `packages/`. */
export const packages: readonly string[] = readdirSync(join(root, 'packages'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && manifestIn(join(root, 'packages', entry.name)).exports)
  .map((entry) => entry.name);

/** All files that git knows, or would add; relative to the root. */
export const files = (): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
    .split('\0')
    .filter((file) => file !== '');
