import Table from 'cli-table3';

/** A table without colours. The first `words` columns stand to the left, the others, numbers, to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], words = 1): string {
  const made = new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i < words ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}
