import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { race, type Racer } from '../src/race.ts';

// The clock hardly moves but for what steps add to it, so that nothing here depends on the machine.
let now = 0;
/** What the clock shows of the time: it may be coarse. */
let shown = (time: number): number => time;
beforeEach(() => {
  now = 0;
  shown = (time) => time;
  vi.stubGlobal('performance', { now: () => shown((now += 1e-6)) });
});
afterEach(() => vi.unstubAllGlobals());

interface Counted extends Racer {
  steps: number;
}

/** One whose steps take so long, by how many it has taken. */
function racer(name: string, cost: (step: number) => number): Counted {
  const counted: Counted = {
    name,
    steps: 0,
    run: {
      step: () => void (now += cost(counted.steps++)),
      settle: () => Promise.resolve(),
      dispose: () => Promise.resolve(),
    },
  };
  return counted;
}
const order = (racers: readonly Racer[], times: readonly number[]): string[] =>
  racers
    .map(({ name }, i) => [name, times[i]!] as const)
    .toSorted(([, a], [, b]) => a - b)
    .map(([name]) => name);

describe('the race', () => {
  it('is over soon where it is clear which is the fastest', async () => {
    const racers = [racer('slow', () => 0.02), racer('fast', () => 0.01)];
    const times = await race(racers, { milliseconds: 250 });
    expect(times[0]).toBeCloseTo(0.02, 6);
    expect(times[1]).toBeCloseTo(0.01, 6);
    expect(now).toBeLessThan(300);
  });

  it('tells apart what is close, in at most twice the time for each', async () => {
    const racers = [racer('b', () => 0.0105), racer('a', () => 0.01)];
    expect(order(racers, await race(racers, { milliseconds: 250 }))).toEqual(['a', 'b']);
    expect(now).toBeGreaterThan(700);
    expect(now).toBeLessThan(1100);
  });

  it('waits for code that is compiled late', async () => {
    // the slower one for the first 160 ms, more than a quick look takes
    const racers = [racer('late', (step) => 0.05 + 0.3 * Math.exp(-step / 500)), racer('even', () => 0.1)];
    expect(order(racers, await race(racers, { milliseconds: 250 }))).toEqual(['late', 'even']);
  });

  it('is not deceived by a machine that is busy in half of the samples of one', async () => {
    const busy = (): number => (Math.floor(now / 40) % 2 === 0 ? 3 : 1);
    const racers = [racer('a', () => 0.01 * busy()), racer('b', () => 0.012)];
    expect(order(racers, await race(racers, { milliseconds: 250 }))).toEqual(['a', 'b']);
  });

  it.each([0.1, 1])('measures with a clock that moves by %s ms', async (resolution) => {
    shown = (time) => Math.floor(time / resolution) * resolution;
    const racers = [racer('a', () => 0.0001), racer('b', () => 0.0004)];
    const times = await race(racers, { milliseconds: 250 });
    expect(times[0]! / 0.0001).toBeCloseTo(1, 0);
    expect(times[1]! / 0.0004).toBeCloseTo(1, 0);
  });

  it('gives slow steps that are close more time, to see more of them', async () => {
    const racers = [racer('b', (step) => (step < 6 ? 60 : 42)), racer('a', (step) => (step < 6 ? 70 : 36))];
    expect(order(racers, await race(racers, { milliseconds: 250 }))).toEqual(['a', 'b']);
    expect(Math.max(...racers.map(({ steps }) => steps))).toBeGreaterThanOrEqual(12);
    expect(now).toBeLessThan(2000);
  });

  it('takes few steps where one takes longer than all the time that there is', async () => {
    const racers = [racer('a', () => 900), racer('b', () => 1000), racer('c', () => 1)];
    const times = await race(racers, { milliseconds: 250 });
    expect(times.map(Math.round)).toEqual([900, 1000, 1]);
    expect(racers.slice(0, 2).map(({ steps }) => steps)).toEqual([2, 2]); // the other is clearly faster
  });

  it.each([
    ['time for all samples', 0.1],
    ['no time for all samples', 500],
  ])('tells how far it is, and ends with all done: %s', async (_, cost) => {
    const told: [number, number][] = [];
    const racers = [racer('a', () => cost), racer('b', () => cost * 1.1)];
    await race(racers, { milliseconds: 50, onProgress: (done, of) => told.push([done, of]) });
    const counts = [...new Set(told.map(([done]) => done))];
    expect(counts).toEqual(counts.map((_, i) => i + 1));
    for (const [done, of] of told) expect(done).toBeLessThanOrEqual(of);
    expect(told.at(-1)).toEqual([counts.length, counts.length]);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const stopped = race([racer('a', () => 0.1), racer('b', () => 0.11)], {
      milliseconds: 50,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
  });

  it('says so where the clock stands still', async () => {
    shown = () => 0;
    const stopped = race([racer('a', () => 1)], { milliseconds: 50 });
    await expect(stopped).rejects.toMatchObject({
      code: 'SGD_UNSUPPORTED',
      message: expect.stringMatching(/^benchmark: the clock/),
    });
  });
});
