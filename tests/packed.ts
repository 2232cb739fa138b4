import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { manifestIn, root } from './workspace.ts';

/** Packs packages, as they would be published. Gives the tarballs by the packages' folders. */
export function pack(folders: readonly string[], into: string): Map<string, string> {
  const filters = folders.flatMap((folder) => ['--filter', `./packages/${folder}`]);
  const pnpm = [join(root, 'tooling/pnpm.mjs'), '--recursive', ...filters, 'pack', '--pack-destination', into];
  execFileSync(process.execPath, pnpm, { cwd: root, stdio: 'pipe' });
  return new Map(
    folders.map((folder) => {
      const { name, version } = manifestIn(join(root, 'packages', folder));
      return [folder, join(into, `${name.replace(/^@/, '').replace('/', '-')}-${version}.tgz`)];
    }),
  );
}

/** What `npm` would install: what was packed, and its dependencies and peers from where the workspace has them. */
export function unpack(tarballs: ReadonlyMap<string, string>, project: string): void {
  for (const [folder, tarball] of tarballs) {
    const from = join(root, 'packages', folder);
    const { name, dependencies, peerDependencies } = manifestIn(from);
    const target = join(project, 'node_modules', name);
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['xzf', tarball, '-C', target, '--strip-components=1']);
    for (const needed of Object.keys({ ...dependencies, ...peerDependencies }).filter((n) => !n.startsWith('@sgd/')))
      link(join(from, 'node_modules', needed), join(project, 'node_modules', needed));
  }
}

/** A package from where the workspace has it, unless there is one. */
export function link(from: string, to: string): void {
  if (existsSync(to)) return;
  mkdirSync(join(to, '..'), { recursive: true });
  symlinkSync(from, to, 'junction');
}

/** A project's `npm install`: core and conformance as packed, tools from where the workspace has them. */
export function installInto(project: string): void {
  unpack(pack(['core', 'conformance'], project), project);
  for (const name of ['typescript', 'vitest'])
    link(join(root, 'node_modules', name), join(project, 'node_modules', name));
  mkdirSync(join(project, 'node_modules/.bin'), { recursive: true });
  const bins = {
    tsc: 'typescript/bin/tsc',
    vitest: 'vitest/vitest.mjs',
    'sgd-conformance': '@sgd/conformance/dist/cli.js',
  };
  for (const [bin, file] of Object.entries(bins))
    symlinkSync(join('..', file), join(project, 'node_modules/.bin', bin));
  chmodSync(join(project, 'node_modules/@sgd/conformance/dist/cli.js'), 0o755);
}

/** Runs a command to its end. */
export function run(command: string, args: readonly string[], cwd: string): { status: number | null; output: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', npm_config_update_notifier: 'false' };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env });
  return { status, output: stdout + stderr };
}
