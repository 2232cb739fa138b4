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

/**
 * Takes steps of each in turn, sample by sample, so that what slows the machine for a while slows all of them.
 *
 * @returns the median time of a step of each, in milliseconds, in their order
 */
export async function race(racers: readonly Racer[], options: RaceOptions): Promise<number[]> {
  const { milliseconds, signal, onProgress } = options;
  const rounds = racers.length * (ROUNDS + 1);
  let done = 0;
  const tell = (): void => {
    signal?.throwIfAborted();
    onProgress?.(++done, rounds);
  };
  const steps: number[] = [];
  for (const racer of racers) {
    steps.push(await warmUp(racer, milliseconds));
    tell();
  }
  const samples: number[][] = racers.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { run }] of racers.entries()) {
      await run.step(); // nobody pays for what the others left in the caches
      samples[i]!.push((await timed(run, steps[i]!)) / steps[i]!);
      tell();
    }
  }
  return samples.map((all) => all.toSorted((a, b) => a - b)[ROUNDS >> 1]!);
}
