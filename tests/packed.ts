import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { manifestIn, root } from './workspace.ts';

/** What `npm` would fetch: the packed packages of the workspace, and from elsewhere what the workspace has. */
export function unpack(folder: string, into: string): void {
  const from = join(root, 'packages', folder);
  const { name, version, dependencies = {} } = manifestIn(from);
  const pnpm = [join(root, 'tooling/pnpm.mjs'), '--filter', name, 'pack', '--pack-destination', into];
  execFileSync(process.execPath, pnpm, { cwd: root, stdio: 'pipe' });
  const target = join(into, 'node_modules', name);
  mkdirSync(target, { recursive: true });
  const tarball = join(into, `${name.replace(/^@/, '').replace('/', '-')}-${version}.tgz`);
  execFileSync('tar', ['xzf', tarball, '-C', target, '--strip-components=1']);
  for (const needed of Object.keys(dependencies).filter((other) => !other.startsWith('@sgd/')))
    link(join(from, 'node_modules', needed), join(into, 'node_modules', needed));
}

/** A package from where the workspace has it. */
export function link(from: string, to: string): void {
  mkdirSync(join(to, '..'), { recursive: true });
  symlinkSync(from, to, 'junction');
}

/** A project's `npm install`: core and conformance as packed, tools from where the workspace has them. */
export function installInto(project: string): void {
  for (const folder of ['core', 'conformance']) unpack(folder, project);
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
