import { afterEach, describe, expect, it, vi } from 'vitest';
import { COPY_BYTES, copies, copyMemory } from '../src/copy.ts';
import { OPTION_SETS } from '../src/options.ts';
import { heat } from '../src/steps/heat.ts';
import { type Effort, time, type Timing } from '../src/timing.ts';
import { CONTENDERS } from '../src/contenders.ts';

const effort: Effort = { samples: 5, sample: 0.001, warmUp: 0, patience: 1000 };

/** Notes which function was called when. */
function noted(): { calls: string[]; function: (name: string, more?: object) => { call: () => void } } {
  const calls: string[] = [];
  return { calls, function: (name, more) => ({ call: () => void calls.push(name), ...more }) };
}

/** A clock on which each call of these functions takes so many milliseconds, and all else as long as `others` says. */
function clock(others: () => number = () => 0): (milliseconds: () => number) => { call: () => void } {
  let passed = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => others() + passed);
  return (milliseconds) => ({ call: () => void (passed += milliseconds()) });
}
afterEach(() => {
  vi.restoreAllMocks();
});

describe('time', () => {
  it('gives the median and the spread of samples that take turns', async () => {
    const { calls, function: named } = noted();
    const timings = (await time([named('a'), named('b')], effort)) as Timing[];
    expect(timings.map(({ samples }) => samples)).toEqual([5, 5]);
    expect(timings.every(({ median, spread }) => median > 0 && spread >= 0)).toBe(true);
    const turns = calls.filter((name, i) => name !== calls[i - 1]);
    expect(turns).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']); // warming up, then 5 samples
  });

  it('takes the median, and half the distance of the quartiles', async () => {
    const taking = clock();
    const durations = [1, 1, 1, 7, 3, 4, 5, 6]; // three calls to warm up, then five samples
    const [timing] = await time([taking(() => durations.shift()!)], effort);
    expect(timing).toEqual({ median: 5e6, spread: 2e6 / 2 / 5e6, samples: 5 });
  });

  it('calls whole cycles, and can time the last call of each alone', async () => {
    const taking = clock();
    let count = 0;
    const { call } = taking(() => (++count % 4 === 0 ? 1 : 3));
    const [last] = await time([{ call, cycle: 4, last: true }], { ...effort, sample: 100 });
    expect(count % 4).toBe(0);
    expect(last).toMatchObject({ median: 1e6, samples: 5 });
    const [all] = await time([{ call, cycle: 4 }], { ...effort, sample: 100 });
    expect(count % 4).toBe(0);
    expect(all).toMatchObject({ median: 2.5e6, samples: 5 });
  });

  it('gives each call of a cycle a turn of its own, if that is asked for', async () => {
    const taking = clock();
    let count = 0;
    const log: string[] = [];
    const { call } = taking(() => (++count % 4 === 0 ? 1 : 3));
    const slow = { call: () => (log.push('a'), call()), cycle: 4, apart: true };
    const other = { call: () => void log.push('b') };
    const [all] = await time([slow, other], { ...effort, sample: 0 });
    expect(all).toMatchObject({ median: 2.5e6, samples: 5 });
    expect(log.join('').slice(-10)).toBe('abaaaabaaa');
    const [last] = await time([{ ...slow, last: true }, other], { ...effort, sample: 0 });
    expect(last).toMatchObject({ median: 1e6, samples: 5 });
  });

  it('announces turns, awaits promises, and waits for what is not done at the end of a sample', async () => {
    const log: string[] = [];
    const later = (name: string) => (): Promise<void> =>
      new Promise((resolve) => setImmediate(() => resolve(void log.push(name))));
    await time([{ call: later('call'), turn: () => void log.push('turn'), settle: later('settle') }], {
      ...effort,
      samples: 3,
    });
    const text = log.join(' ').replaceAll(/(?:call )+/g, 'calls ');
    expect(text.split('turn ').slice(1)).toHaveLength(4); // warming up, then 3 samples
    expect(
      text
        .split('turn ')
        .slice(1)
        .every((turn) => /^(?:calls settle ?)+$/.test(turn)),
    ).toBe(true);
  });

  it('gives one another effort that wants it', async () => {
    const [few, most] = await time(
      [
        { call() {}, effort: { samples: 2 } },
        { call() {}, effort: { samples: 100 } },
      ],
      effort,
    );
    expect([few, most]).toMatchObject([{ samples: 2 }, { samples: 5 }]);
  });

  it('takes nothing for slow because of a pause while it warms up', async () => {
    const taking = clock();
    const durations = [1, 500, 1, 2, 2, 2, 2, 2];
    const [timing] = await time([taking(() => durations.shift()!)], effort);
    expect([timing, durations]).toEqual([{ median: 2e6, spread: 0, samples: 5 }, []]);
  });

  it('gives slow ones fewer samples, and says of the slowest that they are', async () => {
    const taking = clock();
    const all = [0.25, 10, 30, 90].map((milliseconds) => taking(() => milliseconds));
    const timings = await time(all, { ...effort, patience: 40 });
    expect(timings).toMatchObject([{ samples: 5 }, { samples: 4 }, { tooSlow: 30e6 }, { tooSlow: 90e6 }]);
  });
});

describe('copies', () => {
  it('are of as many elements, and of more than caches hold', () => {
    const sizes = (elements: number): unknown[] => copies(elements).map(({ name, elements: size }) => [name, size]);
    expect(sizes(1000)).toEqual([
      ['copy', 1000],
      ['copy:16M', 16e6],
    ]);
    expect(sizes(20e6)).toEqual([['copy', 16e6]]);
    expect(copyMemory(1000)).toBe(COPY_BYTES * (1000 + 16e6));
    expect(copyMemory(20e6)).toBe(COPY_BYTES * 16e6);
  });
});

describe('a heat', () => {
  const momentum = OPTION_SETS.find(({ name }) => name === 'momentum')!;
  const workload = { name: 'small', shapes: [[30], [70]], elements: 100 };

  it('has a row for the copy and for each contender, with figures that agree', async () => {
    const { rows, skipped } = await heat(workload, momentum, CONTENDERS, { ...effort, patience: Infinity });
    expect(skipped).toEqual([]);
    expect(rows.map(({ contender }) => contender)).toEqual(['copy', 'copy:16M', ...CONTENDERS.map(({ name }) => name)]);
    for (const row of rows) {
      expect(row).toMatchObject({
        workload: 'small',
        options: 'momentum',
        samples: 5,
        group: 1,
        noisy: row.spread > 0.1,
      });
      expect(row.nsPerStep).toBeCloseTo(100 * row.nsPerElement, 6);
      expect(row.gbPerSecond * row.nsPerElement).toBeCloseTo(row.contender.startsWith('copy') ? 8 : 20, 6);
    }
  });

  it('warms a contender up for as long as it needs', async () => {
    let steps = 0;
    const step = (): void => void steps++;
    const run = { step, weights: () => Promise.resolve([]), dispose() {} };
    const contender = { name: 'new', memory: () => 0, start: () => run };
    const started = performance.now();
    await heat(workload, momentum, [{ ...contender, warmUp: 150 }], { ...effort, samples: 1 });
    expect(performance.now() - started).toBeGreaterThan(150);
    expect(steps).toBeGreaterThan(1000);
  });

  it('leaves out an engine that is not installed, which is no failure', async () => {
    const start = (): never => {
      throw new Error('started');
    };
    const { rows, skipped } = await heat(
      workload,
      momentum,
      [{ name: 'away', memory: () => 0, missing: () => true, start }],
      effort,
    );
    expect(rows.map(({ contender }) => contender)).not.toContain('away');
    expect(skipped).toMatchObject([{ contender: 'away', why: expect.stringMatching(/^not installed/) as string }]);
    expect(skipped[0]).not.toHaveProperty('failed');
  });

  it('goes on without a contender that does not start, and says so', async () => {
    const broken = { name: 'broken', memory: () => 0, start: () => Promise.reject(new Error('no engine')) };
    const cpu = CONTENDERS.find(({ name }) => name === 'cpu')!;
    const { rows, skipped } = await heat(workload, momentum, [broken, cpu], effort);
    expect(rows.map(({ contender }) => contender)).toEqual(['copy', 'copy:16M', 'cpu']);
    expect(skipped).toEqual([
      { workload: 'small', options: 'momentum', contender: 'broken', why: 'failed: Error: no engine', failed: true },
    ]);
  });

  it('leaves out who is too slow for the time that there is', async () => {
    const step = clock(performance.now.bind(performance))(() => 2000).call;
    const slow = {
      name: 'slow',
      memory: () => 0,
      start: () => ({ step, weights: () => Promise.resolve([]), dispose() {} }),
    };
    const { rows, skipped } = await heat(workload, momentum, [slow], effort);
    const why = 'too slow for this run: a step takes 2.0 s';
    expect(skipped).toEqual([{ workload: 'small', options: 'momentum', contender: 'slow', why }]);
    expect(rows.map(({ contender }) => contender)).toEqual(['copy', 'copy:16M']);
  });
});
