import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GPU } from 'gpu.js';
import { describe, expect, it } from 'vitest';
import { CLASSES, mixDigits } from '../src/data.ts';
import { train } from '../src/network.ts';

const pixels = Array.from({ length: CLASSES }, (_, digit) => {
  const file = createRequire(import.meta.url).resolve(`mnist/src/digits/${digit}.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { data: number[] }).data;
});

describe.each(['cpu', 'webasm'] as const)('mode %s', (mode) => {
  it('learns the digits', { timeout: 60_000 }, () => {
    const losses: number[] = [];
    const network = train(new GPU({ mode }), mixDigits(pixels, 60), {
      hidden: 16,
      batch: 20,
      steps: 60,
      show: 20,
      shown: (_, loss) => losses.push(loss),
    });
    expect(losses).toHaveLength(3);
    expect(losses[2]).toBeLessThan(0.8);
    expect(network.accuracy(mixDigits(pixels, 20, 100))).toBeGreaterThan(0.7);
    network.dispose();
  });
});

it('gives the same losses in both modes, to the last digit that matters', () => {
  const run = (mode: 'cpu' | 'webasm'): number[] => {
    const losses: number[] = [];
    const shown = (_: number, loss: number): number => losses.push(loss);
    train(new GPU({ mode }), mixDigits(pixels, 10), { hidden: 8, batch: 10, steps: 5, show: 1, shown }).dispose();
    return losses;
  };
  const [one, other] = [run('cpu'), run('webasm')];
  one.forEach((loss, i) => expect(loss).toBeCloseTo(other[i]!, 5));
});

describe('the command', () => {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const run = (...args: string[]): Promise<{ stdout: string }> =>
    promisify(execFile)(process.execPath, [main, ...args]);

  it('trains and tests', async () => {
    const { stdout } = await run('--steps', '50');
    expect(stdout).toMatch(/^step 50: loss \d\.\d{4}\n\d\d\.\d % of 500 test digits recognised, .* on webasm\n$/);
  });

  it.each([
    [['--steps', '0'], /--steps: expected/],
    [['--mode', 'nowhere'], /"nowhere"/],
    [['--what'], /--what/],
  ])('refuses %j with status 2', async (args, words) => {
    await expect(run(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(words) as string });
  });
});
