// The built programs, whose output nobody reads, or has room for: `npm test` builds them first.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './workspace.ts';

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

const folder = mkdtempSync(join(tmpdir(), 'sgd-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program; its output is closed after `lines` of it, or goes into `file`. */
function run(program: string, argv: readonly string[], to: { lines?: number; file?: string }): Promise<Ended> {
  const stdout = to.file === undefined ? 'pipe' : openSync(to.file, 'w');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, program), ...argv], {
      cwd: folder,
      stdio: ['ignore', stdout, 'pipe'],
    });
    let [seen, stderr] = ['', ''];
    if (to.lines === 0) child.stdout!.destroy();
    else
      child.stdout?.on('data', (text: Buffer) => {
        seen += text.toString();
        if (seen.split('\n').length > to.lines!) child.stdout!.destroy();
      });
    child.stderr!.on('data', (text: Buffer) => (stderr += text.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (typeof stdout === 'number') closeSync(stdout);
      resolve({ code, stderr });
    });
  });
}

const CLOSED = 141; // 128 + SIGPIPE
const programs = {
  'packages/conformance/dist/cli.js': CLOSED,
  'packages/auto/dist/doctor.js': CLOSED,
  'packages/create-sgd-backend/dist/cli.js': CLOSED,
  'apps/digits/dist/main.js': 0,
  'apps/bench/dist/main.js': 0,
  'apps/digits-gpujs/dist/main.js': 0,
  'apps/docs/dist/main.js': 0,
  'apps/playground/scripts/main.mjs': 0,
} as const;

/** What commander prints, it ends the program after, without waiting whether it can be written. */
const hasty = 'apps/docs/dist/main.js';

describe.each(Object.entries(programs))('%s', (program, closed) => {
  it('ends quietly when nobody reads', async () => {
    expect(await run(program, ['--help'], { lines: 0 })).toEqual({ code: closed, stderr: '' });
  });

  it.skipIf(program === hasty || !existsSync('/dev/full'))(
    'says in a line that there is no room for its output',
    async () => {
      const { code, stderr } = await run(program, ['--help'], { file: '/dev/full' });
      expect(stderr).toMatch(/^[\w@/-]+: the output: ENOSPC[^\n]*\n$/);
      expect(code).toBe(1);
    },
  );
});

describe('in the middle of its work', () => {
  it.each([
    ['packages/conformance/dist/cli.js', ['--backend', 'cpu']],
    ['packages/auto/dist/doctor.js', ['--no-timing']],
    ['apps/digits/dist/main.js', ['--limit=640', '--epochs=50', '--no-report']],
  ])('%s %j ends quietly after the first line', async (program, argv) => {
    expect((await run(program, argv, { lines: 1 })).stderr).toBe('');
  });
});
