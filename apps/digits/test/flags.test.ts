import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { helpText, parseFlags } from '../src/flags.ts';
import { dashed, DEFAULTS, FLAGS, negatable } from '../src/options.ts';
import { command } from './command.ts';

describe('flags', () => {
  it('none give the defaults', () => {
    expect(parseFlags([])).toEqual(DEFAULTS);
  });

  it('set every option', () => {
    const given = {
      learningRate: '0.05',
      momentum: '0.5',
      weightDecay: '-1e-5',
      excludeFromWeightDecay: 'bias|kernel$',
      clipnorm: '1',
      clipvalue: '2',
      globalClipnorm: '3',
      emaMomentum: '0.9',
      emaOverwriteFrequency: '7',
      gradientAccumulationSteps: '4',
      lossScaleFactor: '8',
      name: 'mine',
      nonFinite: 'skip',
      warmupSteps: '5',
      warmupTarget: '0.3',
      model: 'softmax',
      epochs: '2',
      batch: '32',
      seed: '0',
      limit: '100',
      backend: 'cpu:float64',
      report: 'out.html',
    };
    const options = parseFlags([
      ...Object.entries(given).flatMap(([key, value]) => [dashed(key), value]),
      '--use-ema',
      '--json',
      '--quiet',
      '--no-nesterov',
      '--schedule-options={"alpha":0.1}',
      '--groups=[{"paths":["hidden/bias"],"frozen":true}]',
    ]);
    for (const [key, value] of Object.entries(given)) {
      expect(String(options[key as keyof typeof given]), key).toBe(
        String(Number.isNaN(Number(value)) ? value : Number(value)),
      );
    }
    expect(options).toMatchObject({ useEma: true, json: true, quiet: true, nesterov: false });
    expect(options.scheduleOptions).toEqual({ alpha: 0.1 });
    expect(options.groups).toEqual([{ paths: ['hidden/bias'], frozen: true }]);
  });

  it('take a dynamic loss scale with or without its start', () => {
    expect(parseFlags(['--dynamic-loss-scale']).dynamicLossScale).toBe(32_768);
    expect(parseFlags(['--dynamic-loss-scale', '--json'])).toMatchObject({ dynamicLossScale: 32_768, json: true });
    expect(parseFlags(['--dynamic-loss-scale', '4', '--dynamic-growth-steps', '9'])).toMatchObject({
      dynamicLossScale: 4,
      dynamicGrowthSteps: 9,
    });
  });

  it.each(FLAGS.filter(negatable).map(({ key }) => key))('switch %s off', (key) => {
    const off = typeof DEFAULTS[key] === 'boolean' ? false : null;
    expect(parseFlags([dashed(key).replace('--', '--no-')])[key]).toBe(off);
  });

  it('take two backends', () => {
    expect(parseFlags(['--compare', 'cpu, cpu:float64']).compare).toEqual(['cpu', 'cpu:float64']);
  });

  it('are all in the help, which goes to stdout', async () => {
    const { code, stdout, stderr } = await command('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(helpText());
    for (const { key, help } of FLAGS) {
      expect(stdout).toContain(dashed(key));
      expect(stdout.replace(/\s+/g, ' ')).toContain(help);
    }
  });
});

it('the README lists all flags', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8').replace(/ +/g, ' ');
  const rows = readme.split('\n').filter((line) => line.startsWith('| `--'));
  expect(rows).toHaveLength(FLAGS.length);
  for (const [i, { key, value, preset, default: start, help }] of FLAGS.entries()) {
    const shape = value && (preset === undefined ? ` <${value}>` : ` [${value}]`);
    const off = start === null || start === false;
    const shown = start === true ? 'on' : `\`${String(start as string | number)}\``;
    expect(rows[i]).toBe(`| \`${dashed(key)}${shape ?? ''}\` |${off ? '' : ` ${shown}`} | ${help} |`);
  }
});

describe('wrong flags and values: one line, exit 2', () => {
  it.each<[argv: string[], came: string, expected: string]>([
    [['--foo'], '--foo', 'a flag that --help lists'],
    [['--momentun', '1'], '--momentun', '--momentum'],
    [['-x'], '-x', 'a flag'],
    [['12'], "'12'", 'flags only'],
    [['--learning-rate', 'fast'], '--learning-rate fast', 'a number'],
    [['--learning-rate', 'NaN'], '--learning-rate NaN', 'a number'],
    [['--learning-rate', ''], '--learning-rate', 'a number'],
    [['--learning-rate'], '--learning-rate', '<number>'],
    [['--momentum', '1.5'], '--momentum 1.5', 'a number from 0 to 1'],
    [['--epochs', '0'], '--epochs 0', 'a whole number, at least 1'],
    [['--epochs', '1.5'], '--epochs 1.5', 'a whole number, at least 1'],
    [['--batch', '9000'], '--batch 9000', 'from 1 to 8000'],
    [['--seed', '-1'], '--seed -1', 'from 0'],
    [['--limit', '1e9'], '--limit 1e9', 'from 1 to 8000'],
    [['--gradient-accumulation-steps', '1'], '--gradient-accumulation-steps 1', 'at least 2'],
    [['--model', 'cnn'], '--model cnn', 'mlp, softmax'],
    [['--schedule', 'linear'], '--schedule linear', 'cosine, cosine-restarts, exponential'],
    [['--schedule-options', '{"alpha"'], '{"alpha"', 'a JSON object'],
    [['--schedule-options', '[1]'], '[1]', 'a JSON object'],
    [['--schedule-options', '{"alfa":1}'], 'alfa', 'CosineDecay'],
    [['--no-schedule', '--schedule-options', '{}'], '--schedule-options {}', '--schedule'],
    [['--schedule', 'polynomial', '--warmup-steps', '5'], '--warmup-steps 5', '--schedule cosine'],
    [['--ema-momentum', '0.9'], '--ema-momentum 0.9', '--use-ema'],
    [['--dynamic-growth-steps', '9'], '--dynamic-growth-steps 9', '--dynamic-loss-scale'],
    [['--dynamic-loss-scale', '--loss-scale-factor', '2'], '--dynamic-loss-scale', 'no --loss-scale-factor'],
    [['--dynamic-loss-scale', '0'], '0', 'greater than 0'],
    [['--groups', '{}'], '{}', 'a JSON array'],
    [['--groups', '[{"paths":["nowhere"]}]'], 'nowhere', 'groups[0]'],
    [['--exclude-from-weight-decay', '('], '(', 'a regular expression'],
    [['--clipnorm', '1', '--clipvalue', '1'], '--clipnorm', '--clipvalue'],
    [['--name', 'a/b'], 'a/b', 'name'],
    [['--compare', 'cpu'], '--compare cpu', 'two backends'],
    [['--compare', 'cpu,cpu', '--backend', 'wasm'], '--backend wasm', 'a --compare with it, or none'],
    [['--backend', 'nowhere'], 'nowhere', 'NAME[:VARIANT]'],
    [['--backend', './nowhere.js'], './nowhere.js', 'a file'],
    [['--backend', 'cpu:float16'], 'float16', 'float32'],
    [['--backend', new URL('fixtures/nothing.mjs', import.meta.url).href], 'nothing.mjs', 'makes a backend'],
    [['--backend', import.meta.filename], 'flags.test.ts', 'default export'],
    [['--report', import.meta.dirname], import.meta.dirname, 'a file'],
    [['--report', `${import.meta.filename}/report.html`], 'report.html', 'a file that can be written'],
    [['--report', '/no/such/folder/report.html'], '/no/such/folder', 'a file that can be written'],
    [['--groups', 'x'.repeat(100_000)], 'xxx', 'a JSON array'],
  ])('%j', async (argv, came, expected) => {
    const { code, stdout, stderr } = await command('--no-report', '--limit=64', '--epochs=1', ...argv);
    expect(stderr).toMatch(/^digits: [^\n]{1,400}\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(came);
    expect(stderr).toContain(expected);
  });
});
