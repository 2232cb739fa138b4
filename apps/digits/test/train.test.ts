import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../src/result.ts';
import { SCHEDULES } from '../src/schedule-names.ts';
import { command, trained } from './command.ts';

const later = new URL('fixtures/later.mjs', import.meta.url).href;

describe('training', () => {
  it.each([
    '--model=mlp',
    '--model=softmax',
    '--momentum=0 --no-weight-decay --exclude-from-weight-decay=bias',
    '--no-nesterov --global-clipnorm=1',
    '--clipnorm=1',
    '--clipvalue=0.1',
    '--batch=16 --gradient-accumulation-steps=4',
    '--use-ema --ema-momentum=0.9',
    '--use-ema --ema-momentum=0.5 --ema-overwrite-frequency=5',
    '--loss-scale-factor=1024',
    '--dynamic-loss-scale --dynamic-growth-steps=10 --gradient-accumulation-steps=2',
    '--groups=[{"paths":["hidden/kernel","hidden/bias"],"learningRateMultiplier":0.5}] --non-finite=throw',
    '--backend=cpu:float64',
    '--no-schedule',
    ...SCHEDULES.map((schedule) => `--schedule=${schedule} --learning-rate=0.1`),
    '--warmup-steps=5 --name=mine',
  ])('learns with %s', async (flags) => {
    const result = await trained(...flags.split(' '));
    const [first, last] = result.losses as [number, number];
    expect(result.losses).toHaveLength(2);
    expect(last).toBeLessThan(0.8 * first);
    expect(result.accuracy).toBeGreaterThan(0.75);
    expect(result).toMatchObject({ epochs: 2, interrupted: false, droppedSteps: 0, report: null, compare: null });
    expect(result.optimizerShare).toBeGreaterThan(0);
    expect(result.optimizerShare).toBeLessThan(1);
  });

  it('reaches 90 % in one epoch over all digits', async () => {
    expect((await trained('--limit=8000', '--epochs=1')).accuracy).toBeGreaterThan(0.9);
  });

  it('gives the same bits for the same seed, and only for it', async () => {
    const [first, again, other] = [await trained('--seed=3'), await trained('--seed=3'), await trained('--seed=4')];
    expect(first.weightsHash).toMatch(/^[0-9a-f]{64}$/);
    expect(again.weightsHash).toBe(first.weightsHash);
    expect(again.losses).toEqual(first.losses);
    expect(other.weightsHash).not.toBe(first.weightsHash);
  });

  it('reaches the optimizer with every option', async () => {
    const short = ['--epochs=1', '--limit=256', '--no-schedule'];
    const plain = await trained(...short);
    for (const argv of [
      ['--learning-rate=0.1'],
      ['--momentum=0.8'],
      ['--no-nesterov'],
      ['--no-weight-decay'],
      ['--exclude-from-weight-decay=kernel'],
      ['--clipnorm=0.1'],
      ['--clipvalue=0.01'],
      ['--global-clipnorm=0.1'],
      ['--use-ema'],
      ['--gradient-accumulation-steps=2'],
      ['--loss-scale-factor=3'],
      ['--dynamic-loss-scale=3'],
      ['--groups=[{"paths":["hidden/bias"],"frozen":true}]'],
    ]) {
      const changed = await trained(...short, ...argv);
      expect(changed.weightsHash, argv.join(' ')).not.toBe(plain.weightsHash);
    }
  });

  it('says how good the weights were before their averages replaced them', async () => {
    const plain = await trained('--no-schedule');
    const averaged = await trained('--no-schedule', '--use-ema', '--ema-momentum=0.95');
    expect(plain.accuracyWithoutAverage).toBeNull();
    expect(averaged.accuracyWithoutAverage).toBe(plain.accuracy);
    expect(averaged.weightsHash).not.toBe(plain.weightsHash);
    expect(averaged.losses).toEqual(plain.losses); // evaluating on the averages left the training alone
  });

  it('drops the steps that a loss scale too large makes infinite, and goes on', async () => {
    // with one digit in a batch some elements of the gradient are above 1
    const result = await trained('--batch=1', '--limit=80', '--learning-rate=0.01', '--dynamic-loss-scale=3.3e38');
    expect(result.droppedSteps).toBeGreaterThan(0);
    expect(result.droppedSteps).toBeLessThan(20);
    expect(result.losses[1]).toBeLessThan(result.losses[0] as number);
  });

  it('stops with one line when a gradient is not finite and the policy is to throw', async () => {
    const { code, stderr } = await command(
      '--no-report',
      '--quiet',
      '--limit=64',
      '--non-finite=throw',
      '--loss-scale-factor=1e39',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^digits: .*finite.*\n$/);
  });

  it('takes a backend from a file, also one that answers later, with the same bits', async () => {
    const [here, there] = [await trained('--use-ema'), await trained('--use-ema', `--backend=${later}`)];
    expect(there.weightsHash).toBe(here.weightsHash);
  });

  it.each<[backend: string, copiesPerStep: number]>([
    ['tfjs:wasm', 0],
    ['tfjs:wasm-ops', 0],
    ['tfjs:cpu', 8], // another engine than the one that computes gradients
    ['cpu', 8],
    ['wasm', 8],
    ['onnxruntime:node', 8],
    ['onnxruntime:wasm', 8],
    ['gpujs:cpu', 8],
    ['gpujs:webasm', 8],
  ])('--backend=%s: the same bits, with %i copies a step', async (backend, copiesPerStep) => {
    const flags = ['--limit=256', '--epochs=1', '--use-ema'];
    const [here, there] = [await trained(...flags), await trained(...flags, `--backend=${backend}`)];
    expect(here).toMatchObject({ backend: 'tfjs:wasm', copiesPerStep: 0 });
    expect(there).toMatchObject({ backend, gradientsIn: 'tfjs:wasm', copiesPerStep, weightsHash: here.weightsHash });
    expect(there.milliseconds.copies > 0).toBe(copiesPerStep > 0);
  });

  it.each(['cpu,cpu', 'auto,tfjs:wasm', 'tfjs:cpu,wasm'])('leaves no tensor behind: %s', async (backends) => {
    const before = tf.memory();
    await trained('--use-ema', `--compare=${backends}`, '--limit=256');
    const { numTensors, numDataBuffers, numBytes } = before;
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
  });
});

describe('--compare', () => {
  it('cpu,cpu: the same to the bit', async () => {
    const { compare, accuracy } = await trained('--compare=cpu,cpu');
    expect(compare).toMatchObject({ maxUlp: 0, differing: 0, elements: 101_770, at: null, firstDifferentStep: null });
    expect(compare?.results.map((each) => each.accuracy)).toEqual([accuracy, accuracy]);
  });

  it('cpu,cpu:float64: not the same', async () => {
    const { compare } = await trained('--compare=cpu,cpu:float64', '--epochs=1');
    expect(compare?.maxUlp).toBeGreaterThan(0);
    expect(compare?.firstDifferentStep).toBe(1);
    expect(compare?.at?.variable).toMatch(/kernel|bias/);
  });

  it.each([
    'tfjs:wasm,cpu',
    'wasm,auto',
    'tfjs:wasm,tfjs:wasm',
    'tfjs:cpu,tfjs:wasm',
    'tfjs:wasm,onnxruntime:wasm',
    'gpujs:cpu,tfjs:wasm',
    `tfjs:wasm,${later}`,
  ])('%s: the same, wherever their weights are', async (backends) => {
    const flags = ['--limit=256', '--epochs=1', '--use-ema', '--ema-overwrite-frequency=2'];
    const { compare } = await trained(`--compare=${backends}`, ...flags);
    expect(compare).toMatchObject({ maxUlp: 0, firstDifferentStep: null });
    expect(compare?.results.map(({ gradientsIn }) => gradientsIn)).toEqual(['tfjs:wasm', 'tfjs:wasm']);
  });

  it('a backend in a file and cpu: the same', async () => {
    expect((await trained(`--compare=cpu,${later}`, '--epochs=1')).compare?.maxUlp).toBe(0);
  });
});

describe("TensorFlow.js's own optimizer", () => {
  const fewer = ['--no-schedule', '--no-weight-decay', '--learning-rate=0.05'];

  it.each(['--nesterov', '--no-nesterov'])('takes the place of a backend, and goes the same way: %s', async (rule) => {
    const result = await trained('--compare=cpu,tf.train.momentum', '--epochs=1', rule, ...fewer);
    const [ours, theirs] = result.compare!.results;
    expect([ours!.backend, theirs!.backend]).toEqual(['cpu', 'tf.train.momentum']);
    expect(theirs!.losses[0]).toBeCloseTo(ours!.losses[0]!, 4);
    expect(Math.abs(theirs!.accuracy - ours!.accuracy)).toBeLessThan(0.01);
    expect(theirs!.milliseconds).toMatchObject({ copies: 0 });
    for (const { medianMilliseconds, milliseconds, steps } of [ours!, theirs!]) {
      expect(medianMilliseconds.gradients).toBeGreaterThan(0);
      expect(medianMilliseconds.optimizer).toBeGreaterThan(0);
      expect(milliseconds.gradients).toBeGreaterThan((medianMilliseconds.gradients * steps) / 2);
    }
  });

  it('trains alone, and leaves no tensor of ours behind', async () => {
    const before = tf.memory().numTensors;
    const result = await trained('--backend=tf.train.momentum', '--model=softmax', ...fewer);
    expect(result.optimizer).toMatchObject({ class_name: 'Momentum', config: { momentum: 0.9, useNesterov: true } });
    expect(result.losses[1]).toBeLessThan(result.losses[0]!);
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(1); // its optimizer keeps one scalar for ever (tfjs#4647)
  });

  it('refuses what it does not have', async () => {
    const { code, stderr } = await command('--backend=tf.train.momentum', '--use-ema', '--non-finite=skip');
    expect(code).toBe(2);
    expect(stderr).toBe(
      'digits: tf.train.momentum has fewer options: expected --no-weight-decay --no-schedule --no-use-ema --non-finite keras beside it\n',
    );
  });
});

describe('output', () => {
  const folder = mkdtempSync(join(tmpdir(), 'digits-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('in a pipe is plain lines, and the path of a report that needs nothing else', async () => {
    const report = join(folder, 'new', 'report.html');
    const flags = ['--limit=640', '--epochs=2', '--use-ema', '--name=a<b', `--report=${report}`];
    const { code, stdout, stderr } = await command(...flags);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // oxlint-disable-next-line no-control-regex -- that there are none is what is tested
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(stdout).toMatch(
      /^epoch 1\/2: loss [\d.]+, accuracy [\d.]+ %, test [\d.]+ % \(averaged [\d.]+ %\), learning rate/m,
    );
    expect(stdout).toMatch(/test accuracy .* of 2,000\)/);
    expect(stdout).toMatch(/without the average/);
    expect(stdout).toMatch(/gradients live in +│ tfjs:wasm/);
    expect(stdout).toMatch(/copies a step +│ none/);
    expect(stdout).toMatch(/optimizer's share +│ [\d.]+ %/);
    expect(stdout).toContain(`report: ${report}\n`);

    const html = readFileSync(report, 'utf8');
    expect(html).toContain('<th scope="row">copies a step</th><td>none</td>');
    expect(html.replace(/\/\*! https:.*/, '').match(/(src|href)=|https?:|@import|url\(/g)).toBeNull();
    expect(html).toContain(`npm start -- --limit=640 --epochs=2 --use-ema '--name=a&lt;b' --report=`);
    expect(html).not.toContain('a<b');
    const [, data = ''] = /<script type="application\/json" id="data">(.*)<\/script>/.exec(html) ?? [];
    const charts = JSON.parse(data) as {
      title: string;
      x: number[];
      lines: { label: string; y: (number | null)[] }[];
    }[];
    expect(charts.map(({ title }) => title)).toEqual(['Loss', 'Accuracy in %', 'Learning rate', 'Gradient norm']);
    expect(charts[1]?.lines.map(({ label }) => label)).toEqual(['training', 'test', 'test, averaged weights']);
    for (const { x, lines } of charts) {
      expect(x).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      for (const { y } of lines) expect(y).toHaveLength(20);
    }
  });

  it('has no curve of the gradient norm without --gradient-norm, and the same weights', async () => {
    const hashes = [];
    for (const [flag, drawn] of [
      ['--gradient-norm', true],
      ['--no-gradient-norm', false],
    ] as const) {
      const report = join(folder, 'norm.html');
      const { stdout } = await command('--limit=640', '--epochs=1', '--quiet', '--json', `--report=${report}`, flag);
      hashes.push((JSON.parse(stdout) as RunResult).weightsHash);
      expect(readFileSync(report, 'utf8').includes('"Gradient norm"')).toBe(drawn);
    }
    expect(hashes[1]).toBe(hashes[0]);
  });

  it.skipIf(!existsSync('/dev/full'))(
    'is not all that there is: without room for it the result is told first',
    async () => {
      for (const flag of ['--no-json', '--json', '--quiet']) {
        const flags = ['--limit=64', '--epochs=1', '--report=/dev/full', ...(flag === '--no-json' ? [] : [flag])];
        const { code, stdout, stderr } = await command(...flags);
        expect(stdout).toMatch({ '--json': /"weightsHash":"/, '--quiet': /^[\d.]+ % of/ }[flag] ?? /test accuracy/);
        expect(stdout).not.toContain('report: ');
        expect(stderr).toMatch(/^digits: the report \/dev\/full could not be written: ENOSPC[^\n]*$/m);
        expect(code).toBe(1);
      }
    },
  );

  it('--json ends with one object, and keeps stdout for it', async () => {
    const { code, stdout, stderr } = await command('--limit=64', '--epochs=1', '--no-report', '--json');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const result = JSON.parse(stdout) as RunResult;
    expect(result).toMatchObject({
      backend: 'tfjs:wasm', // where the gradients are, as stderr says
      model: 'mlp',
      seed: 1,
      steps: 1,
      options: { limit: 64, nesterov: true },
      optimizer: { class_name: 'SGD', config: { momentum: 0.9, nesterov: true } },
    });
    expect(result.accuracy * 2000).toBeCloseTo(Math.round(result.accuracy * 2000), 9);
    expect(result.seconds).toBeGreaterThan(0);
    expect(stderr).toMatch(/^backend tfjs:wasm: it takes the gradients where they are, .*; tfjs is on wasm; .+$/m);
    expect(stderr).toContain('epoch 1/1');
  });

  it('--quiet prints one line', async () => {
    const { stdout, stderr } = await command('--limit=64', '--epochs=1', '--no-report', '--quiet');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^[\d.]+ % of the test digits recognised\n$/);
  });
});
