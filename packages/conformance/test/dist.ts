import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const home: string = fileURLToPath(new URL('..', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const lock = join(root, 'node_modules/.sgd-conformance-build');

const newest = (folder: string): number =>
  Math.max(0, ...readdirSync(folder, { recursive: true }).map((name) => statSync(join(folder, String(name))).mtimeMs));

/** Builds what a child process imports, where `dist` is missing or older than `src`. One process at a time. */
export async function build(): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      if (tries === 600) rmdirSync(lock); // left behind by a process that was killed
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  try {
    for (const name of ['core', 'cpu', 'conformance']) buildPackage(join(root, 'packages', name));
  } finally {
    rmdirSync(lock);
  }
}

function buildPackage(folder: string): void {
  const stamp = join(folder, 'dist', folder.endsWith('conformance') ? 'goldens/texts.js' : 'index.js');
  if (existsSync(stamp) && newest(join(folder, 'src')) < statSync(stamp).mtimeMs) return;
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const steps = [
    [tsc, '-p', 'tsconfig.build.json'],
    ...(folder.endsWith('conformance') ? [['scripts/goldens.mjs']] : []),
  ];
  for (const step of steps) {
    const { status, stdout, stderr } = spawnSync(process.execPath, step, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`building ${folder}: ${stdout}${stderr}`);
  }
}

/** Runs a script in a process of its own, outside of this runner's environment. */
export async function run(
  args: readonly string[],
  { env = {}, cwd = home }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^(VITEST|NODE_OPTIONS|NODE_ENV|NODE_TEST|TEST$)/.test(key),
  );
  const child = spawn(process.execPath, args, { cwd, env: { ...Object.fromEntries(inherited), ...env } });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const status = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { status, ...output };
}
