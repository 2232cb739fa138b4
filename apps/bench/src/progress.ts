/** A line of progress: what is being measured, and from a minute on how long it has taken so far. */
export function progressLine(done: number, count: number, name: string, milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  return `${done}/${count} ${name}${minutes > 0 ? ` (${minutes} min so far)` : ''}`;
}
