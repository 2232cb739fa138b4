/** Nanoseconds of a call, over samples. */
export interface Timing {
  readonly median: number;
  /** Half the distance between the quartiles, as a share of the median. */
  readonly spread: number;
  readonly samples: number;
}

/** How long to measure. */
export interface Effort {
  readonly samples: number;
  /** Milliseconds of a sample, at least. */
  readonly sample: number;
  /** Milliseconds of warming up each. */
  readonly warmUp: number;
}

const now = (): number => Number(process.hrtime.bigint());

/**
 * Times functions that take turns, sample by sample, so that what slows the machine for a while slows all of them.
 *
 * @param multiple - each sample has so many calls or a multiple, e.g. all steps of an accumulation
 */
export function time(functions: readonly (() => void)[], effort: Effort, multiple = 1): Timing[] {
  const calls = functions.map((call) => callsFor(call, effort, multiple));
  const samples = functions.map((): number[] => []);
  for (let s = 0; s < effort.samples; s++) {
    functions.forEach((call, i) => {
      const count = calls[i]!;
      const start = now();
      for (let c = 0; c < count; c++) call();
      samples[i]!.push((now() - start) / count);
    });
  }
  return samples.map(timing);
}

/** Warms up, and finds how many calls fill a sample. */
function callsFor(call: () => void, { sample, warmUp }: Effort, multiple: number): number {
  const start = now();
  let count = 0;
  while (now() - start < warmUp * 1e6 || count < 3) {
    for (let m = 0; m < multiple; m++) call();
    count++;
  }
  const each = (now() - start) / count;
  return Math.max(1, Math.ceil((sample * 1e6) / each)) * multiple;
}

function timing(samples: number[]): Timing {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  return { median: at(0.5), spread: (at(0.75) - at(0.25)) / 2 / at(0.5), samples: sorted.length };
}
