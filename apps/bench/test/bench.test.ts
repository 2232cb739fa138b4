// The command. What it measures runs in processes of the built program: `npm test` builds it first.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Results } from '../src/measure.ts';
import { OPTION_SETS } from '../src/options.ts';
import type { TrainingRow } from '../src/training.ts';
import { command } from './command.ts';

const main = new URL('../dist/main.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the command', () => {
  it('prints a table, and on what machine; nothing on stderr', async () => {
    const { code, out, err } = await command('--quick', '--only', 'momentum 1e3 cpu loop');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/cores, .*Node v/);
    for (const contender of ['copy', 'cpu', 'loop']) expect(out).toMatch(new RegExp(`│ ${contender} +│ +[\\d.]+`));
    expect(out).not.toMatch(/1e5|tfjs/);
  });

  it('prints JSON, the same into a file, and draws the chart', async () => {
    const [out, svg] = [join(folder, 'new', 'bench.json'), join(folder, 'bench.svg')];
    const flags = ['--quick', '--json', '--progress', `--out=${out}`, `--chart=${svg}`, '--only', 'momentum 1e3 cpu'];
    const printed = await command(...flags);
    expect(printed).toMatchObject({ code: 0, err: '1/1 momentum 1e3\n' });
    const results = JSON.parse(printed.out) as Results;
    expect(results).toMatchObject({
      sets: [],
      skipped: [],
      overhead: [],
      heap: [],
      training: [],
      failed: [],
      interrupted: false,
    });
    expect(results.machine).toMatchObject({ node: process.version, cpu: expect.any(String) as string });
    expect(results.machine.cores).toBeGreaterThan(0);
    expect(results.rows.map(({ contender }) => contender)).toEqual(['copy', 'copy:16M', 'cpu']);
    for (const { workload, options, nsPerElement, gbPerSecond, samples } of results.rows) {
      expect([workload, options]).toEqual(['1e3', 'momentum']);
      for (const figure of [nsPerElement, gbPerSecond, samples]) expect(figure).toBeGreaterThan(0);
    }
    expect(readFileSync(out, 'utf8')).toBe(printed.out);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg /);
  });

  it.skipIf(!existsSync('/dev/full'))('prints what it measured also where the file has no room', async () => {
    const { code, out, err } = await command('--quick', '--out=/dev/full', '--only', 'overhead 10');
    expect(out).toMatch(/cores, .*Node v/);
    expect(err).toMatch(/^bench: --out \/dev\/full: could not be written: ENOSPC[^\n]*\n$/);
    expect(code).toBe(1);
  });

  it('measures the overhead and the heap', async () => {
    const { code, out } = await command('--quick', '--json', '--only', 'overhead heap 10');
    const { overhead, heap, rows } = JSON.parse(out) as Results;
    expect([code, rows, heap]).toEqual([0, [], []]);
    expect(overhead).toMatchObject([{ variables: 10 }]);
    expect(overhead[0]!.coreNs).toBeGreaterThan(0);
    const second = JSON.parse((await command('--quick', '--json', '--only', 'heap plain')).out) as Results;
    expect(second.heap).toMatchObject([{ options: 'plain', steps: 100_000 }]);
  });

  it('measures the sets of options, taking turns', async () => {
    const { code, out, err } = await command('--quick', '--json', '--progress', '--only', 'sets cpu 1e3');
    expect([code, err]).toEqual([0, '1/1 sets cpu 1e3\n']);
    const { sets, rows, skipped } = JSON.parse(out) as Results;
    expect([rows, skipped]).toEqual([[], []]);
    expect(sets.map(({ options }) => options)).toEqual(OPTION_SETS.map(({ name }) => name));
  });

  it.each(['tfjs:wasm', 'wasm'])('measures trainings: %s', async (backend) => {
    const { code, out } = await command('--quick', '--json', '--only', `training ${backend}`);
    expect(code).toBe(0);
    const { training } = JSON.parse(out) as Results;
    expect(training.map(({ optimizer, beside }) => [optimizer, beside])).toEqual([
      [backend, 'tf.train.momentum'],
      ['tf.train.momentum', backend],
    ]);
    for (const { step, whole, share, gradients, copies } of training) {
      expect(step).toBeGreaterThan(0);
      expect(whole).toBeGreaterThan(Math.max(gradients, step, copies));
      expect(share).toBeCloseTo(step / whole, 9);
    }
    const [ours, theirs] = training as [TrainingRow, TrainingRow];
    expect(ours.copies > 0).toBe(backend === 'wasm');
    expect(theirs.copies).toBe(0);
    expect(ours.speed).toBeCloseTo(theirs.whole / ours.whole, 9);
    expect(ours.speed * theirs.speed).toBeCloseTo(1, 9);
  });

  it('explains itself', async () => {
    const { code, out, err } = await command('--help');
    expect([code, err]).toEqual([0, '']);
    for (const word of ['--only WORDS', 'training', 'gpt2-small', 'all:update', 'tfjs:wasm', 'Exit codes'])
      expect(out).toContain(word);
  });

  it.each([
    [['--fast'], /^bench: .*'--fast'.*\n$/],
    [['--only'], /^bench: .*--only.*\n$/],
    [['--json=yes'], /^bench: .*--json.*\n$/],
    [['all'], /^bench: .*'all'.*\n$/],
    [['--only=nothing like it'], /^bench: --only nothing: names no part, .*; see --help\n$/],
    [['--only=heap 1e3'], /^bench: --only "heap 1e3" leaves nothing; see --help\n$/],
    [[`--out=${tmpdir()}`], /^bench: --out .*: expected a file that can be written \(it is a folder\)\n$/],
    [[`--chart=${main}/chart.svg`], /^bench: --chart .*: expected a file that can be written \(.*\)\n$/],
  ])('refuses %s in one line', async (flags, line) => {
    const { code, out, err } = await command(...flags);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(line);
  });
});

describe('Ctrl-C', () => {
  it('ends with 130, with what was measured so far, and leaves no process behind', async () => {
    const out = join(folder, 'interrupted.json');
    const child = spawn(process.execPath, [main, '--progress', `--out=${out}`, '--only', 'momentum 1e3 16M loop']);
    const text = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      text.err += chunk.toString();
      if (text.err.includes('2/2')) setTimeout(() => child.kill('SIGINT'), 300);
    });
    const code = await new Promise((resolve) => child.on('close', resolve)); // its pipes are closed when its children are gone
    expect(code).toBe(130);
    expect(text.out).toMatch(/│ loop +│ +[\d.]+/);
    expect(text.out).toMatch(/interrupted: these are the figures/);
    const { rows, interrupted } = JSON.parse(readFileSync(out, 'utf8')) as Results;
    expect([rows.length, interrupted]).toEqual([3, true]);
    expect(readdirSync(folder)).toContain('interrupted.json');
  });
});
