import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../src/cli/main.ts';
import type { GoldenFile } from '../src/goldens/format.ts';
import { builtinGoldens, type GoldenFiles } from '../src/index.ts';

export type Tree = Record<string | number, unknown>;

/** A few cases of each kind, as a set of its own that this package has never seen. */
export const small: Readonly<Record<string, object>> = Object.fromEntries(
  [
    ['checks.json', ['check-003', 'check-004']],
    ['schedules.json', ['schedule-000-ExponentialDecay']],
    ['trajectories-edge.json', ['edge-000-none-grads', 'edge-025-lr-change', 'edge-031-subset']],
    ['trajectories-lossscale.json', ['lossscale-000']],
  ].map(([name, ids]) => {
    const file = JSON.parse(builtinGoldens()[name as string]!) as GoldenFile;
    const cases = (file.cases as readonly { id: string }[]).filter(({ id }) =>
      (ids as string[]).some((one) => id.startsWith(one)),
    );
    return [name as string, { ...file, cases }];
  }),
);

/** The manifest of some files. */
export function manifestOf(files: Readonly<Record<string, object>>): Tree {
  const entries = Object.entries(files).map(([name, file]) => {
    const text = JSON.stringify(file);
    const sha256 = createHash('sha256').update(text).digest('hex');
    return [name, { cases: (file as GoldenFile).cases.length, bytes: text.length, sha256 }];
  });
  return { schemaVersion: 1, set: 'made', kind: 'manifest', files: Object.fromEntries(entries) };
}

export const texts = (files: Readonly<Record<string, object>>, manifest: unknown = manifestOf(files)): GoldenFiles => ({
  ...Object.fromEntries(Object.entries(files).map(([name, file]) => [name, JSON.stringify(file)])),
  'manifest.json': JSON.stringify(manifest),
});

const rooms = ['goldens', 'values', 'schedules', 'checks', 'serialization'];
export const folder: string = mkdtempSync(join(tmpdir(), 'sgd-made-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Runs the command over these files. */
export async function run(
  files: GoldenFiles,
  ...flags: string[]
): Promise<{ status: number; out: string; err: string }> {
  const here = mkdtempSync(join(folder, 'set-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(here, name), text);
  return runOn(here, ...flags);
}

export async function runOn(
  directory: string,
  ...flags: string[]
): Promise<{ status: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const into = (key: 'out' | 'err'): NodeJS.WritableStream =>
    ({ write: (text: string) => Boolean((said[key] += text)) }) as unknown as NodeJS.WritableStream;
  const status = await main(['--backend', 'cpu', '--goldens', directory, ...flags], into('out'), into('err'));
  return { status, ...said };
}

/** Flags for what goldens are about. */
export const only: readonly string[] = rooms.flatMap((room) => ['--only', room]);
