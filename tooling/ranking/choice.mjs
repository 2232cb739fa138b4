/** What `benchmark: true` takes. */
const DEFAULT = 250;
const LONG = 500;

/** The choice as a program makes it at its start, with the seconds that it took; and after it the same, timed longer, twice. */
export async function reportsOf(time, given) {
  const from = performance.now();
  const choice = await time({ ...given, milliseconds: DEFAULT });
  const seconds = (performance.now() - from) / 1000;
  const first = await time({ ...given, milliseconds: LONG });
  return { choice, seconds, long: [first, await time({ ...given, milliseconds: LONG })] };
}

/** How fast the one that was chosen is, as a share of the fastest; of the two long timings the lower counts for each. */
export function verdictOf({ choice, seconds, long }) {
  const times = new Map();
  for (const { candidates } of long) {
    for (const { name, nanosecondsPerElement: time } of candidates)
      if (time !== undefined) times.set(name, Math.min(time, times.get(name) ?? Infinity));
  }
  const [[best, least]] = [...times].toSorted(([, a], [, b]) => a - b);
  return { chosen: choice.chosen, best, share: least / times.get(choice.chosen), seconds };
}
