/** What the caller gave is wrong: one line, exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The message of anything thrown, on one line. */
export function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, ' ');
}
