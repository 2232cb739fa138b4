import { describe, expect, it } from 'vitest';
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

describe('time', () => {
  it('gives the median and the spread of samples that take turns', async () => {
    const { calls, function: named } = noted();
    const timings = (await time([named('a'), named('b')], effort)) as Timing[];
    expect(timings.map(({ samples }) => samples)).toEqual([5, 5]);
    expect(timings.every(({ median, spread }) => median > 0 && spread >= 0)).toBe(true);
    const turns = calls.filter((name, i) => name !== calls[i - 1]);
    expect(turns).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']); // warming up, then 5 samples
  });

  it('calls whole cycles, and can time the last call of each alone', async () => {
    let count = 0;
    const slow = 2; // milliseconds
    const call = (): void => {
      if (++count % 4 === 0) return;
      for (const start = performance.now(); performance.now() - start < slow;);
    };
    const [last] = (await time([{ call, cycle: 4, last: true }], effort)) as Timing[];
    expect(count % 4).toBe(0);
    const [all] = (await time([{ call, cycle: 4 }], effort)) as Timing[];
    expect(count % 4).toBe(0);
    expect(last!.median).toBeLessThan((slow * 1e6) / 4);
    expect(all!.median).toBeGreaterThan((slow * 1e6) / 2);
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

  it('gives slow ones fewer samples, and says of the slowest that they are', async () => {
    const taking = (milliseconds: number): { call: () => void } => ({
      call() {
        for (const start = performance.now(); performance.now() - start < milliseconds;);
      },
    });
    const [quick, slow, slowest] = await time([taking(0.01), taking(8), taking(30)], { ...effort, patience: 40 });
    expect(quick).toMatchObject({ samples: 5 });
    expect((slow as Timing).samples).toBeLessThan(5);
    expect((slow as Timing).samples).toBeGreaterThanOrEqual(3);
    expect(slowest).toEqual({ tooSlow: expect.any(Number) as number });
    expect((slowest as { tooSlow: number }).tooSlow).toBeGreaterThan(20e6);
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
    const { rows, skipped } = await heat(workload, momentum, CONTENDERS, effort);
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

  it('goes on without a contender that does not start, and says so', async () => {
    const broken = { name: 'broken', memory: () => 0, start: () => Promise.reject(new Error('no engine')) };
    const { rows, skipped } = await heat(workload, momentum, [broken, CONTENDERS[0]!], effort);
    expect(rows.map(({ contender }) => contender)).toEqual(['copy', 'copy:16M', 'cpu']);
    expect(skipped).toEqual([
      { workload: 'small', options: 'momentum', contender: 'broken', why: 'failed: Error: no engine', failed: true },
    ]);
  });

  it('leaves out who is too slow for the time that there is', async () => {
    const step = (): void => {
      for (const start = performance.now(); performance.now() - start < 20;);
    };
    const slow = {
      name: 'slow',
      memory: () => 0,
      start: () => ({ step, weights: () => Promise.resolve([]), dispose() {} }),
    };
    const { skipped } = await heat(workload, momentum, [slow], { ...effort, patience: 30 });
    expect(skipped).toMatchObject([{ contender: 'slow', why: 'too slow for this run: a step takes 0.0 s' }]);
  });
});
