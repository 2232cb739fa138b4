/** A wrong command line: one line, exit code 2. */
export class UsageError extends Error {}

/** A file that could not be written after all: one line, exit code 1. */
export class FileError extends Error {}
