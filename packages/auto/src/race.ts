import type { Signal } from './options.ts';
import type { Run } from './workload.ts';

/** Runs that are timed beside each other. */
export interface Racer {
  readonly name: string;
  readonly run: Run;
}

export interface RaceOptions {
  /** How long each may take in all, in milliseconds. */
  readonly milliseconds: number;
  readonly signal?: Signal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

const ROUNDS = 7;
/** Those within this of the fastest are timed again, since noise could have decided; so many times at the most. */
const CLOSE = 1.3;
const PASSES = 3;

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

/** Steps until it is warm; gives how many fill one sample of the time that there is. */
async function warmUp({ run }: Racer, milliseconds: number): Promise<number> {
  const share = milliseconds / (ROUNDS + 2);
  let steps = 1;
  let spent = 0;
  for (;;) {
    const time = await timed(run, steps);
    spent += time;
    if (spent >= share) return Math.max(1, Math.round((steps * share) / Math.max(time, 1e-3)));
    if (time < share / 4) steps *= 2;
  }
}

/** The mean of the half in the middle: engines with threads have two speeds, of which a median would take one. */
function middle(samples: readonly number[]): number {
  const quarter = samples.length >> 2;
  const half = samples.toSorted((a, b) => a - b).slice(quarter, samples.length - quarter);
  return half.reduce((sum, time) => sum + time, 0) / half.length;
}

/**
 * Takes steps of each in turn, sample by sample, so that what slows the machine for a while slows all of them; of those that are close to the
 * fastest, more samples.
 *
 * @returns the time of a step of each, in milliseconds, in their order
 */
export async function race(racers: readonly Racer[], options: RaceOptions): Promise<number[]> {
  const { milliseconds, signal, onProgress } = options;
  let done = 0;
  let rounds = racers.length * (ROUNDS + 1);
  const tell = (): void => {
    signal?.throwIfAborted();
    onProgress?.(++done, rounds);
  };
  const lanes: { readonly run: Run; readonly steps: number; readonly samples: number[] }[] = [];
  for (const racer of racers) {
    lanes.push({ run: racer.run, steps: await warmUp(racer, milliseconds), samples: [] });
    tell();
  }
  let close = lanes;
  for (let pass = 0; pass < PASSES && (pass === 0 || close.length > 1); pass++) {
    if (pass > 0) rounds += close.length * ROUNDS;
    for (let round = 0; round < ROUNDS; round++) {
      for (const { run, steps, samples } of close) {
        await run.step(); // nobody pays for what the others left in the caches
        samples.push((await timed(run, steps)) / steps);
        tell();
      }
    }
    const best = Math.min(...lanes.map(({ samples }) => middle(samples)));
    close = lanes.filter(({ samples }) => middle(samples) <= CLOSE * best);
  }
  return lanes.map(({ samples }) => middle(samples));
}
