import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { manifestIn, packages, root } from './workspace.ts';

/** Empties a folder below `.test-results`, and links the engines there: they are development dependencies of their packages only. */
export function emptyWithEngines(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of packages) {
    const from = join(root, 'packages', name);
    for (const engine of Object.keys(manifestIn(from).peerDependencies ?? {})) {
      const link = join(folder, 'node_modules', engine);
      if (existsSync(link)) continue;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(from, 'node_modules', engine), link, 'junction');
    }
  }
}

/** What the compiler says of these files of a folder two below the root, as strictly as everywhere; nothing: all is well. */
export function problemsIn(folder: string, files: readonly string[]): string {
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: { moduleDetection: 'force', allowImportingTsExtensions: true },
    files,
    include: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'pipe' });
    return '';
  } catch (error) {
    return (error as { stdout: Buffer }).stdout.toString();
  }
}
