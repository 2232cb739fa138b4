/**
 * Ends a program of ours quietly when nobody reads its output any more (`| head -1`), and in one line when it can't be written. With 0,
 * since npm, which most of them run under, writes lines of its own for any other status.
 */
export function endWithOutput(name) {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code, message }) => {
      if (code !== 'EPIPE') process.stderr.write(`${name}: the output: ${message}\n`);
      process.exit(code === 'EPIPE' ? 0 : 1);
    });
  }
}
