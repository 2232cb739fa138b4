import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { suite } from '../src/suite.ts';
import { build, home, run } from './dist.ts';

const require = createRequire(import.meta.url);
const mocha = join(dirname(require.resolve('mocha/package.json')), 'bin/mocha.js');
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs');
const script = (name: string): string => join(home, 'test/runners', name);

// each runner as a process of its own, on the built package
const runners = [
  {
    name: 'node:test',
    args: ['--test-reporter=tap', script('node-test.mjs')],
    counts: (out: string) => [/^# pass (\d+)/m, /^# fail (\d+)/m].map((pattern) => Number(pattern.exec(out)?.[1])),
  },
  {
    name: 'mocha',
    args: [mocha, '--reporter', 'json', script('mocha.mjs')],
    counts: (out: string) => {
      const { stats } = JSON.parse(out.slice(out.indexOf('{'))) as { stats: { passes: number; failures: number } };
      return [stats.passes, stats.failures];
    },
  },
  {
    name: 'vitest',
    args: [vitest, 'run', '--root', script(''), '--reporter', 'json'],
    counts: (out: string) => {
      const report = JSON.parse(out.slice(out.indexOf('{'))) as { numPassedTests: number; numFailedTests: number };
      return [report.numPassedTests, report.numFailedTests];
    },
  },
];

describe.each(runners)('$name', { timeout: 60_000 }, ({ args, counts }) => {
  beforeAll(build, 60_000);

  it('runs the suite', async () => {
    const { status, stdout, stderr } = await run(args);
    expect(stderr).toBe('');
    expect(counts(stdout)).toEqual([suite().length, 0]);
    expect(status).toBe(0);
  });

  it('fails when a test does', async () => {
    const { status, stdout } = await run(args, { env: { BROKEN: '1' } });
    expect(counts(stdout)[1]).toBeGreaterThan(10);
    expect(status).not.toBe(0);
  });
});
