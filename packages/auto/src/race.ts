import { SgdError } from '@sgd/core';
import type { Signal } from './options.ts';
import type { Run } from './workload.ts';

/** Runs that are timed beside each other. */
export interface Racer {
  readonly name: string;
  readonly run: Run;
}

export interface RaceOptions {
  /** How long each may take, in milliseconds; longer while it is not clear which is the fastest. */
  readonly milliseconds: number;
  readonly signal?: Signal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** Samples that fill the time that each has. */
const SAMPLES = 18;
/** Samples of each, at least; fewer where steps are so slow that the time is over before. */
const [LEAST, FEWEST] = [8, 2];
/** Samples that tell apart what is close. */
const ENOUGH = 12;
/** It is clear that one is slower when it takes so many times as long as the fastest. */
const CLEAR = 1.3;
/** Code is not compiled yet when the later samples are shorter than the earlier ones by more than this share; it may become so many times as fast. */
const [WARMER, SPEEDUP] = [0.1, 10];

/** One that is being timed. */
class Lane {
  readonly #run: Run;
  /** Milliseconds of a step, sample by sample. */
  readonly #samples: number[] = [];
  #spent = 0;
  /** Of the next sample. */
  #steps = 1;

  constructor(run: Run) {
    this.#run = run;
  }

  /** How many times as long as the fastest it may take and still be close to it: with few samples nothing is sure. */
  get margin(): number {
    return this.#samples.length < LEAST ? 2 * CLEAR : CLEAR;
  }

  /** Whether it has had all of its time; where it is close to the fastest it has more: for some slow steps, or while it is still being compiled. */
  hasHad(milliseconds: number, close: boolean): boolean {
    const { length } = this.#samples;
    const share = close && length < ENOUGH ? 4 : close && this.isWarming() ? 2 : 1;
    return length >= FEWEST && this.#spent >= milliseconds * share;
  }

  /** Takes steps for about so many milliseconds. Clocks of pages may be as coarse as one: what takes too short is taken again, with more steps. */
  async sample(milliseconds: number): Promise<void> {
    const from = performance.now();
    let time = 0;
    for (;;) {
      if (this.#steps > 1) await this.#run.step(); // nobody pays for what the others left in the caches
      time = await timed(this.#run, this.#steps);
      if (time >= milliseconds / 4) break;
      this.#steps *= 2;
    }
    this.#samples.push(time / this.#steps);
    this.#steps = Math.max(1, Math.round((this.#steps * milliseconds) / time));
    this.#spent += performance.now() - from;
  }

  /** The mean of the fastest third: other work of the machine, the collection of garbage and code that is not compiled yet slow the rest. */
  figure(): number {
    const third = this.#samples.toSorted((a, b) => a - b).slice(0, Math.ceil(this.#samples.length / 3));
    return third.reduce((sum, time) => sum + time, 0) / third.length;
  }

  /** Whether it is still being compiled. */
  isWarming(): boolean {
    const half = this.#samples.length >> 1;
    const [earlier, later] = [this.#samples.slice(0, half), this.#samples.slice(half)];
    return Math.min(...later) < (1 - WARMER) * Math.min(...earlier);
  }
}

async function timed({ step, settle }: Run, steps: number): Promise<number> {
  const from = performance.now();
  for (let i = 0; i < steps; i++) {
    const done = step();
    // not awaited where it is no promise: that would be timed, too
    if (done instanceof Promise) await done;
  }
  await settle();
  return performance.now() - from;
}

/** Some edge runtimes stop the clock while code runs, against attacks that measure time: samples would never end. */
function wantClock(): void {
  const from = performance.now();
  for (let looks = 0; looks < 1e7; looks++) if (performance.now() !== from) return;
  throw new SgdError('SGD_UNSUPPORTED', 'benchmark: the clock stands still while code runs here; leave it out');
}

/** Those that are timed further: the fastest, and those that may be as fast; none when it is clear which it is, or there is no more time. */
function undecided(lanes: readonly Lane[], round: number, milliseconds: number): Lane[] {
  const best = lanes.reduce((a, b) => (b.figure() < a.figure() ? b : a));
  const left = lanes.filter((lane) => {
    const ratio = lane.figure() / best.figure();
    const mayWin = ratio < (lane.isWarming() ? SPEEDUP : lane.margin);
    return (mayWin || round < LEAST) && !lane.hasHad(milliseconds, ratio < lane.margin);
  });
  return left.some((lane) => lane !== best) || round < FEWEST ? left : [];
}

/**
 * Takes steps of each in turn, sample by sample, so that what slows the machine for a while slows all of them: until it is clear which is the
 * fastest, but no longer than twice the time that there is, or longer for those that are close and slow, or still being compiled.
 *
 * @returns the time of a step of each, in milliseconds, in their order
 * @throws SgdError `SGD_UNSUPPORTED` where the clock stands still
 */
export async function race(racers: readonly Racer[], options: RaceOptions): Promise<number[]> {
  const { milliseconds, signal, onProgress } = options;
  wantClock();
  const lanes = racers.map(({ run }) => new Lane(run));
  let [done, expected] = [0, 0];
  let going = lanes;
  for (let round = 1; going.length > 0; round++) {
    expected = done + going.length * Math.max(1, LEAST - round + 1);
    for (const lane of going) {
      await lane.sample(milliseconds / SAMPLES);
      signal?.throwIfAborted();
      onProgress?.(++done, expected);
    }
    going = undecided(lanes, round, 2 * milliseconds);
  }
  if (done < expected) onProgress?.(done, done); // the time was over before
  return lanes.map((lane) => lane.figure());
}
