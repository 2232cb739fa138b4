/** A wrong command line: one line, exit code 2. */
export class UsageError extends Error {}
