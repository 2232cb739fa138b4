/** Longest text that is compared letter by letter: no name of ours has as many. */
const LONGEST = 40;

const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

/** Letters to insert, remove, exchange or swap with their neighbours to make one word the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchanged = last[j - 1]! + (same ? 0 : 1);
      row.push(Math.min(exchanged, row[j - 1]! + 1, last[j]! + 1, swapped ? before[j - 2]! + 1 : Infinity));
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}

/** The name that was meant by a misspelt one, but for case and underscores; one letter in four may be wrong. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  if (given.length > LONGEST) return undefined;
  const wanted = plain(given);
  const found = names
    .map((name) => [distance(wanted, plain(name)), name] as const)
    .sort(([a], [b]) => a - b)
    .at(0);
  return found && found[0] <= Math.ceil(wanted.length / 4) && found[0] < found[1].length ? found[1] : undefined;
}
