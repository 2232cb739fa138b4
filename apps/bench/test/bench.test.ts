import { describe, expect, it } from 'vitest';
import { run } from '../src/app.ts';
import { CONTENDERS } from '../src/contenders.ts';
import { OPTION_SETS } from '../src/options.ts';
import { time } from '../src/timing.ts';

/** Runs the command, and gives what it wrote. */
async function command(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const code = await run(argv, {
    stdout: { write: (text: string) => (written.out += text) },
    stderr: { write: (text: string) => (written.err += text) },
  });
  return { code, ...written };
}

describe('the contenders do the same work', () => {
  const length = 1000;
  const values = Float32Array.from({ length }, (_, i) => Math.sin(i));
  const gradient = Float32Array.from({ length }, (_, i) => Math.cos(3 * i) / 10);
  it.each(OPTION_SETS.map((set) => [set.name, set] as const))('%s', (_name, set) => {
    const [first, ...others] = CONTENDERS.map((contender) => {
      const own = values.slice();
      const step = contender.start(set, own, gradient);
      for (let i = 0; i < 12; i++) step();
      return own;
    });
    // to the bit, but for the order in which a norm is summed
    const allowed = set.options.globalClipnorm ? 1e-6 : 0;
    for (const other of others) {
      const apart = Math.max(...other.map((value, i) => Math.abs(value - first![i]!)));
      expect(apart).toBeLessThanOrEqual(allowed);
    }
    expect(first).not.toEqual(values);
  });
});

describe('time', () => {
  it('gives the median of samples that take turns, in calls of a multiple', () => {
    const calls: number[] = [];
    const turns = [0, 1].map((i) => () => void calls.push(i));
    const timings = time(turns, { samples: 5, sample: 0.001, warmUp: 0 }, 4);
    expect(timings.map((t) => t.samples)).toEqual([5, 5]);
    expect(timings.every((t) => t.median > 0 && t.spread >= 0)).toBe(true);
    expect(calls.filter((i) => i === 0).length % 4).toBe(0);
    expect(calls.slice(-1)).toEqual([1]);
  });
});

describe('the command', () => {
  it('prints a table, and on what machine', async () => {
    const { code, out } = await command('--quick', '--only', 'momentum 1e3');
    expect(code).toBe(0);
    expect(out).toMatch(/cores, .*Node v/);
    expect(out).toMatch(/momentum 1e3.*plain loop/);
    expect(out).toMatch(/momentum 1e3.*@sgd\/cpu/);
    expect(out).not.toContain('1e5');
  });

  it('prints JSON', async () => {
    const { code, out } = await command('--quick', '--json', '--only', 'overhead 10');
    const results = JSON.parse(out) as {
      machine: object;
      rows: unknown[];
      overhead: { variables: number; coreNs: number }[];
    };
    expect([code, results.rows, results.overhead.length]).toEqual([0, [], 1]);
    expect(results.overhead[0]!.variables).toBe(10);
    expect(results.overhead[0]!.coreNs).toBeGreaterThan(0);
    expect(results.machine).toHaveProperty('node', process.version);
  });

  it('explains itself', async () => {
    expect(await command('--help')).toMatchObject({
      code: 0,
      out: expect.stringContaining('--only WORDS') as string,
      err: '',
    });
  });

  it.each([
    ['--fast', /^bench: .*'--fast'.*\n$/],
    ['--only', /^bench: .*--only.*\n$/],
    ['--json=yes', /^bench: .*--json.*\n$/],
    ['all', /^bench: .*'all'.*\n$/],
    ['--only=nothing like it', /^bench: --only "nothing like it" leaves nothing; see --help\n$/],
  ])('refuses %s in one line', async (flag, line) => {
    const { code, out, err } = await command(flag);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(line);
  });
});
