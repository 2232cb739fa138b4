import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findChromium } from '../../../tooling/chromium.mjs';
import type { Row } from '../bench/timing.ts';

interface Figures {
  readonly renderers: Readonly<Record<string, string | null>>;
  readonly rows: readonly Row[];
}

const main = fileURLToPath(new URL('../bench/main.mjs', import.meta.url));
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
const browser = findChromium() !== undefined;

const few = ['--elements', '20000', '--examples', '32', '--samples', '1', '--json'];
async function figures(...args: readonly string[]): Promise<Figures> {
  const { stdout } = await run([...args, ...few]);
  const found = JSON.parse(stdout) as Figures;
  for (const { ms, difference } of found.rows) {
    expect(ms).toBeGreaterThan(0);
    expect(difference).toBeLessThan(1e-5);
  }
  return found;
}
const rules = ['momentum', 'all options'].flatMap((rule) => [`${rule}, 200 of 16x16`, `${rule}, 20000`]);

describe('npm run bench:tfjs', () => {
  it.skipIf(!browser && !process.env.CI)(
    'times steps on the engines of a page; contenders end with the same weights',
    { timeout: 60_000 },
    async () => {
      const { renderers, rows } = await figures('--engine', 'webgl', '--engine', 'wasm');
      expect(renderers).toEqual({ webgl: expect.stringMatching(/./) as string, wasm: null });
      for (const engine of ['webgl', 'wasm']) {
        const own = rows.filter((row) => row.engine === engine);
        expect([...new Set(own.map(({ what }) => what))]).toEqual(rules);
        expect(own.slice(0, 2).map(({ contender }) => contender)).toEqual(['tf.train.momentum', '@sgd/tfjs']);
        expect(own.at(-2)!.contender).toBe('@sgd/tfjs, exact: true');
      }
    },
  );

  it('times epochs of fit in Node, too', { timeout: 60_000 }, async () => {
    const { rows } = await figures('--fit', '--node');
    expect(rows.map(({ engine, what, contender }) => [engine, what, contender])).toEqual([
      ['cpu', 'dense', 'tf.train.momentum'],
      ['cpu', 'dense', '@sgd/tfjs'],
      ['cpu', 'conv', 'tf.train.momentum'],
      ['cpu', 'conv', '@sgd/tfjs'],
      ['wasm', 'dense', 'tf.train.momentum'],
      ['wasm', 'dense', '@sgd/tfjs'],
    ]);
  });

  it.each([
    [['--elements', '0'], /--elements 0: expected/],
    [['--engine', 'tpu'], /--engine tpu: expected one of webgl, webgpu, cpu, wasm/],
    [['--node', '--engine', 'webgl'], /--engine webgl: expected one of cpu, wasm/],
    [['--model', 'dense'], /--model is for --fit/],
    [['--fit', '--model', 'conv', '--engine', 'wasm'], /wasm has no gradient of convolutions/],
    [['--what'], /--what/],
  ])('refuses %j with status 2', async (args, words) => {
    await expect(run(args)).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(words) as string });
  });

  it('says that there is no browser, and how to name one', async () => {
    const stderr = expect.stringMatching(/no Chromium at \/nowhere: set CHROME_PATH/) as string;
    await expect(run([], { CHROME_PATH: '/nowhere' })).rejects.toMatchObject({ code: 1, stderr });
  });
});
