/** Nanoseconds of a call, over samples. */
export interface Timing {
  readonly median: number;
  /** Half the distance between the quartiles, as a share of the median. */
  readonly spread: number;
  readonly samples: number;
}

/** Not timed: a call took so many nanoseconds that there would be too few samples. */
export interface TooSlow {
  readonly tooSlow: number;
}

/** How long to measure. Milliseconds. */
export interface Effort {
  readonly samples: number;
  /** Of a sample, at least. */
  readonly sample: number;
  /** Of warming up each. */
  readonly warmUp: number;
  /** Of all samples of one; slow ones get fewer samples, and none if fewer than three would do. */
  readonly patience: number;
}

/** What is timed. */
export interface Timed {
  /** A promise each time, or never. */
  readonly call: () => unknown;
  /** Before each sample, not timed. */
  readonly turn?: () => unknown;
  /** At the end of each sample, timed. */
  readonly settle?: () => Promise<unknown>;
  /** Calls that belong together, e.g. the micro-steps of an update: a sample has a multiple. */
  readonly cycle?: number;
  /** Only the last call of each cycle is timed. */
  readonly last?: boolean;
  /** Each call of a cycle has a turn of its own; a sample is one cycle. */
  readonly apart?: boolean;
  /** Where it wants another one than the others; with no more samples. */
  readonly effort?: Partial<Effort>;
}

const LEAST_SAMPLES = 3;
const now = (): number => performance.now() * 1e6;

/** Times functions that take turns, sample by sample, so that what slows the machine for a while slows all of them. */
export async function time(all: readonly Timed[], effort: Effort): Promise<(Timing | TooSlow)[]> {
  const runners = [];
  for (const timed of all) {
    const own = { ...effort, ...timed.effort };
    runners.push(await Runner.warmed(timed, { ...own, samples: Math.min(own.samples, effort.samples) }));
  }
  const turns = Math.max(...runners.map((runner) => runner.turns));
  for (let round = 1; round <= effort.samples; round++) {
    for (let turn = 0; turn < turns; turn++) {
      for (const runner of runners) {
        if (turn < runner.turns && runner.isDue(round / effort.samples)) await runner.sample();
      }
    }
  }
  return runners.map((runner) => runner.result());
}

class Runner {
  readonly #timed: Timed;
  readonly #asynchronous: boolean;
  /** Of one call, while warming up. */
  readonly #each: number;
  readonly #cycles: number;
  readonly #wanted: number;
  readonly #samples: number[] = [];
  /** Of calls that have turns of their own, those of the sample under way. */
  #calls: number[] = [];

  private constructor(timed: Timed, asynchronous: boolean, each: number, { samples, sample, patience }: Effort) {
    const cycle = Math.max(1, each * (timed.cycle ?? 1));
    this.#timed = timed;
    this.#asynchronous = asynchronous;
    this.#each = each;
    this.#cycles = Math.max(1, Math.ceil((sample * 1e6) / cycle));
    const affordable = Math.min(samples, Math.floor((patience * 1e6) / (this.#cycles * cycle)));
    this.#wanted = affordable < Math.min(LEAST_SAMPLES, samples) ? 0 : affordable;
  }

  /** Warms up, and finds how many calls fill a sample. */
  static async warmed(timed: Timed, effort: Effort): Promise<Runner> {
    const { call, cycle = 1, settle } = timed;
    await timed.turn?.();
    const started = now();
    const first = call();
    const asynchronous = first instanceof Promise;
    await first;
    for (let i = 1; i < cycle; i++) await call();
    let elapsed = now() - started;
    if (elapsed > effort.patience * 1e6) return new Runner(timed, asynchronous, elapsed / cycle, effort);
    let each = Infinity; // the first has not settled
    let cycles = 1;
    // twice at least, and the shortest counts: a machine that pauses once makes nothing slow
    for (let round = 1; round <= 2 || elapsed < effort.warmUp * 1e6; round++) {
      const start = now();
      for (let c = 0; c < cycles; c++) {
        for (let i = 0; i < cycle; i++) {
          const result = call();
          if (asynchronous) await result;
        }
      }
      await settle?.();
      const took = now() - start;
      each = Math.min(each, took / cycle / cycles);
      elapsed = now() - started;
      if (took < effort.sample * 1e6) cycles *= 2;
    }
    return new Runner(timed, asynchronous, each, effort);
  }

  /** Whether it takes part in a round; those with fewer samples take them evenly. */
  isDue(share: number): boolean {
    return this.#samples.length < Math.floor(share * this.#wanted + 1e-9);
  }

  /** Turns that make a sample. */
  get turns(): number {
    const { apart, cycle = 1 } = this.#timed;
    return apart ? cycle : 1;
  }

  /** One turn. */
  async sample(): Promise<void> {
    const { cycle = 1, last = false, apart = false } = this.#timed;
    await this.#timed.turn?.();
    if (apart) {
      this.#calls.push(await this.#call());
      if (this.#calls.length < cycle) return;
      this.#samples.push(last ? this.#calls.at(-1)! : this.#calls.reduce((a, b) => a + b) / cycle);
      this.#calls = [];
      return;
    }
    // uncounted, and not for those that are slow: what the others left in the cache is none of its business
    if (this.#cycles > 1) await this.#cyclesOf(1);
    const total = await (last ? this.#lastCalls() : this.#cyclesOf(this.#cycles));
    this.#samples.push(total / this.#cycles / (last ? 1 : cycle));
  }

  result(): Timing | TooSlow {
    if (this.#wanted === 0) return { tooSlow: this.#each };
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
    return { median: at(0.5), spread: (at(0.75) - at(0.25)) / 2 / at(0.5), samples: sorted.length };
  }

  /** Nanoseconds of one call, until it is done. */
  async #call(): Promise<number> {
    const { call, settle } = this.#timed;
    const start = now();
    const result = call();
    if (this.#asynchronous) await result;
    if (settle) await settle();
    return now() - start;
  }

  /** Nanoseconds of so many cycles. */
  async #cyclesOf(cycles: number): Promise<number> {
    const { call, settle, cycle = 1 } = this.#timed;
    const count = cycles * cycle;
    const start = now();
    if (this.#asynchronous) for (let i = 0; i < count; i++) await call();
    else for (let i = 0; i < count; i++) call();
    if (settle) await settle();
    return now() - start;
  }

  /** Nanoseconds of the last calls of all cycles of a sample. */
  async #lastCalls(): Promise<number> {
    const { call, settle, cycle = 1 } = this.#timed;
    let total = 0;
    for (let c = 0; c < this.#cycles; c++) {
      for (let i = 1; i < cycle; i++)
        if (this.#asynchronous) await call();
        else call();
      if (settle) await settle();
      const start = now();
      if (this.#asynchronous) await call();
      else call();
      if (settle) await settle();
      total += now() - start;
    }
    return total;
  }
}
