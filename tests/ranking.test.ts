import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { root } from './workspace.ts';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
const command = (name: string, ...argv: string[]): Promise<Ended> =>
  promisify(execFile)(process.execPath, [join(root, 'tooling', name), ...argv]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Ended) => error,
  );

describe.each([
  ['ranking', 'ranking.mjs', ['--only', '--gradients']],
  ['ranking:check', 'choice.mjs', ['--only', '--gradients', '--up-to']],
])('npm run %s', (name, file, flags) => {
  it('--help tells the flags', async () => {
    const { code, stdout, stderr } = await command(file, '--help');
    expect([code, stderr]).toEqual([0, '']);
    for (const flag of [...flags, '--help']) expect(stdout).toContain(`  ${flag} `);
  });

  it.each([
    ['--only', 'worker'],
    ['--gradients', 'device'],
    ['--upto', '5'],
  ])('%s %s: one line that says what is wrong, and 2', async (flag, value) => {
    const { code, stdout, stderr } = await command(file, flag, value);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.startsWith(`${name}: `)).toBe(true);
    expect(stderr).toContain(flag);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
