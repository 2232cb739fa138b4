/** What a shell shows of a program that a closed pipe ended: 128 and the number of SIGPIPE. */
const CLOSED = 141;

/** Ends the program quietly when nobody reads its output any more (`| head -1`), and in one line when it can't be written. */
export function endWithOutput(name: string): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code !== 'EPIPE') process.stderr.write(`${name}: the output: ${message}\n`);
      process.exit(code === 'EPIPE' ? CLOSED : 1);
    });
  }
}
