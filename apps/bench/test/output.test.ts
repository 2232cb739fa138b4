import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { chart } from '../src/chart.ts';
import type { Results } from '../src/measure.ts';
import { progressLine } from '../src/progress.ts';
import type { SetRow } from '../src/sets/turns.ts';
import type { StepRow } from '../src/steps/rows.ts';
import { tables } from '../src/tables.ts';

const row = (options: string, contender: string, nsPerElement: number, more: Partial<StepRow> = {}): StepRow => ({
  workload: '1e6',
  options,
  contender,
  nsPerElement,
  gbPerSecond: (contender.startsWith('copy') ? 8 : 20) / nsPerElement,
  nsPerStep: 1e6 * nsPerElement,
  spread: 0.02,
  samples: 11,
  noisy: false,
  group: 1,
  ...more,
});

const setRow = (
  options: string,
  nsPerElement: number,
  timesMomentum: number | null,
  more: Partial<SetRow> = {},
): SetRow => ({
  workload: '1e6',
  contender: 'wasm:arena',
  options,
  nsPerElement,
  timesMomentum,
  spread: 0.03,
  samples: 310,
  noisy: false,
  ...more,
});

const results: Results = {
  machine: { cpu: 'A & B <fast>', cores: 2, memoryGB: 8, system: 'Linux x64', node: 'v20.0.0', load: 0.1 },
  rows: [
    row('plain', 'copy', 0.5),
    row('plain', 'cpu', 1),
    row('momentum', 'copy', 0.5),
    row('momentum', 'copy:16M', 1),
    row('momentum', 'cpu', 2),
    row('momentum', 'loop', 4, { spread: 0.3, noisy: true }),
    row('momentum', 'loop', 3, { workload: '1e3', nsPerStep: 3000 }),
  ],
  sets: [
    setRow('momentum', 0.25, 1),
    setRow('all:update', 0.625, 2.5, { spread: 0.12, noisy: true }),
    setRow('plain', 0.5, null, { contender: 'cpu' }),
  ],
  skipped: [{ workload: '1e6', options: 'plain', contender: 'loop', why: 'too slow' }],
  overhead: [{ variables: 10, coreNs: 200, corePerFurtherNs: 14.5, cpuNs: 900, cpuPerFurtherNs: 60 }],
  heap: [{ options: 'plain', steps: 100_000, coreBytes: 5.5, cpuBytes: 66.25, cpuWarmBytes: 0.25, collections: 0 }],
  training: [
    {
      optimizer: 'cpu',
      beside: 'x',
      gradients: 4,
      copies: 0.5,
      step: 0.5,
      whole: 5,
      speed: 0.9,
      share: 0.1,
      steps: 125,
    },
    {
      optimizer: 'x',
      beside: 'cpu',
      gradients: 4,
      copies: 0,
      step: 0.5,
      whole: 4.5,
      speed: 1.11,
      share: 0.11,
      steps: 125,
    },
  ],
  failed: [{ name: 'heap all', why: 'ended with SIGKILL' }],
  interrupted: false,
};

describe('the tables', () => {
  const text = tables(results);
  const cells = (line: RegExp): string[] =>
    text
      .split('\n')
      .find((one) => line.test(one))!
      .split('│')
      .slice(1, -1)
      .map((cell) => cell.trim());

  it('say on what machine', () => {
    expect(text).toMatch(/^A & B <fast>, 2 cores, 8 GB, Linux x64, Node v20\.0\.0, load 0\.1\n/);
  });

  it('give time, bandwidth, share of the limit and the ratio to each peer', () => {
    expect(text).toContain('momentum: 20 bytes an element');
    expect(cells(/cpu .* 2\.00 ms/)).toEqual([
      '',
      'cpu',
      '2.00',
      '±2 %',
      '2.00 ms',
      '10.0',
      '63 %',
      '125 %',
      '',
      '2.00',
    ]);
    expect(cells(/copy .* 500 µs .*│ +│ +│$/)).toEqual([
      '1e6',
      'copy',
      '0.500',
      '±2 %',
      '500 µs',
      '16.0',
      '100 %',
      '200 %',
      '',
      '',
    ]);
    expect(cells(/loop .* 3\.00 µs/)).toEqual(['1e3', 'loop', '3.00', '±2 %', '3.00 µs', '6.7', '', '', '', '']);
  });

  it('mark noisy rows, and say what that means', () => {
    expect(cells(/loop .* 4\.00 ms/)).toEqual([
      '',
      'loop',
      '4.00*',
      '±30 %',
      '4.00 ms',
      '5.0',
      '31 %',
      '63 %',
      '0.50',
      '',
    ]);
    expect(text).toContain('* noisy: the quartiles are more than 10 % from the median');
    const calm = results.rows.filter(({ noisy }) => !noisy);
    expect(tables({ ...results, rows: calm })).toContain('* noisy: ');
    expect(tables({ ...results, rows: calm, sets: results.sets.slice(0, 1) })).not.toContain('noisy');
  });

  it('compare each group with its own copy, and say that there are groups', () => {
    expect(text).not.toContain('did not hold');
    const more = [row('momentum', 'copy', 1, { group: 2 }), row('momentum', 'tfjs:wasm', 5, { group: 2 })];
    const grouped = tables({ ...results, rows: [...results.rows, ...more] });
    expect(grouped).toMatch(/tfjs:wasm .* 4\.0 │ +50 %/);
    expect(grouped).toMatch(/did not hold all contenders at once, .*: momentum 1e6\n/);
  });

  it('say what options cost against momentum', () => {
    expect(text).toMatch(
      /against that with momentum\n\n.*\n│ workload │ contender │ plain │\n.*\n│ 1e6 +│ cpu +│ +0\.50 │\n/,
    );
  });

  it('say what each set takes against momentum where all took turns', () => {
    expect(cells(/0\.625/)).toEqual(['', '', 'all:update', '0.625*', '±12 %', '2.50']);
    expect(cells(/0\.250 /)).toEqual(['1e6', 'wasm:arena', 'momentum', '0.250', '±3 %', '1.00']);
    expect(cells(/cpu +│ plain/)).toEqual(['1e6', 'cpu', 'plain', '0.500', '±3 %', '']);
    expect(tables({ ...results, sets: [] })).not.toContain('x momentum');
  });

  it('say what was left out, what failed and what was interrupted', () => {
    expect(text).toContain('left out: loop, plain 1e6: too slow\nfailed: heap all: ended with SIGKILL\n');
    expect(text).not.toContain('interrupted');
    expect(tables({ ...results, interrupted: true })).toMatch(/\n\ninterrupted: .*\n$/);
  });

  it('have the other parts', () => {
    expect(cells(/14\.5/)).toEqual(['10', '200', '14.5', '900', '60.0']);
    expect(cells(/0\.25/)).toEqual(['plain', '5.50', '66.25', '0.25', '0']);
    expect(cells(/10\.0 %/)).toEqual(['cpu', 'x', '4.00', '0.500', '0.500', '5.00', '0.90', '10.0 %']);
    expect(cells(/11\.0 %/)).toEqual(['x', 'cpu', '4.00', 'none', '0.500', '4.50', '1.11', '11.0 %']);
  });
});

describe('the chart', () => {
  it('is well-formed SVG that needs nothing else, with a dot for each row', () => {
    const tags: string[] = [];
    const texts: string[] = [];
    let root: Record<string, string> = {};
    const parser = new SaxesParser({ xmlns: false });
    parser.on('opentag', ({ name, attributes }) => {
      if (tags.length === 0) root = attributes as Record<string, string>;
      tags.push(name);
    });
    parser.on('text', (text) => texts.push(text));
    parser.on('error', (error) => {
      throw error;
    });
    const svg = chart(results);
    parser.write(svg).close();
    expect(tags[0]).toBe('svg');
    expect(root).toMatchObject({ xmlns: 'http://www.w3.org/2000/svg', width: '960' });
    expect(tags.filter((tag) => tag === 'circle')).toHaveLength(4 + 2); // rows without the copy, and the legend
    const words = texts.map((text) => text.trim());
    expect(words).toEqual(
      expect.arrayContaining(['plain', 'momentum', '1e3', '1e6', 'cpu', 'loop', 'copy', 'copy:16M']),
    );
    expect(words).toContain('A & B <fast>, 2 cores, Linux x64, Node v20.0.0');
    expect(words.join('\n')).toMatch(/prefers-color-scheme: dark/);
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href|url\(|NaN|undefined/);
  });

  it('is one, too, of rows of one kind, and of none', () => {
    for (const rows of [results.rows.slice(2, 4), []])
      expect(chart({ ...results, rows })).toMatch(/^<svg .*<\/svg>\n$/s);
  });
});

describe('the progress', () => {
  it.each([
    [0, '2/194 momentum 1e6'],
    [59_999, '2/194 momentum 1e6'],
    [60_000, '2/194 momentum 1e6 (1 min so far)'],
    [7_300_000, '2/194 momentum 1e6 (121 min so far)'],
  ])('after %i ms', (milliseconds, line) => {
    expect(progressLine(2, 194, 'momentum 1e6', milliseconds)).toBe(line);
  });
});
