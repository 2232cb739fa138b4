import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findChromium } from '../../../tooling/chromium.mjs';
import type { Figures } from '../bench/page.ts';

const main = fileURLToPath(new URL('../bench/main.mjs', import.meta.url));
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
const browser = findChromium() !== undefined;

describe('npm run bench:gpujs', () => {
  it.skipIf(!browser && !process.env.CI)('times all contenders, which end with the same weights', async () => {
    const { stdout } = await run(['--elements', '10000', '--samples', '1', '--json']);
    const { renderer, rows } = JSON.parse(stdout) as Figures;
    expect(renderer).not.toBe('');
    expect(rows.map(({ contender }) => contender)).toEqual([
      'kernels, each read back',
      'kernel map, read back',
      'gradient read back, loop',
      'textures kept by hand',
      '@sgd/gpujs',
    ]);
    for (const { step, update, difference } of rows) {
      expect(step).toBeGreaterThan(0);
      expect(update).toBeGreaterThanOrEqual(0); // the clock of a page is coarse
      expect(difference).toBeLessThan(1e-6);
    }
  });

  it.each([
    [['--elements', '0'], /--elements 0: expected/],
    [['--mode', 'cpu'], /--mode cpu: expected webgl2 or webgl/],
    [['--what'], /--what/],
  ])('refuses %j with status 2', async (args, words) => {
    await expect(run(args)).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(words) as string });
  });

  it('says that there is no browser, and how to name one', async () => {
    const stderr = expect.stringMatching(/no Chromium at \/nowhere: set CHROME_PATH/) as string;
    await expect(run([], { CHROME_PATH: '/nowhere' })).rejects.toMatchObject({ code: 1, stderr });
  });
});
