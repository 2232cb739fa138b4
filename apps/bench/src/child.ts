import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A program of ours that did not end well. */
export class ChildError extends Error {}

/** From source it is the built one that runs: Node 20 knows no types. */
const built = import.meta.url.endsWith('.ts') ? '../dist/' : './';

/** Runs one of the programs of this app in a process of its own, and gives what it printed. An abort kills it. */
export function runChild(
  name: string,
  args: readonly string[],
  signal?: AbortSignal,
  flags: readonly string[] = [],
): Promise<string> {
  return runProgram(fileURLToPath(new URL(`${built}${name}.js`, import.meta.url)), args, signal, flags);
}

/** The same for any program of Node. */
export function runProgram(
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
  flags: readonly string[] = [],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      killSignal: 'SIGKILL',
      ...(signal && { signal }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code, ended) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new ChildError(reason(Buffer.concat(err).toString()) ?? `ended with ${ended ?? code}`));
    });
  });
}

/** The line of what a process said last that tells most. */
const reason = (text: string): string | undefined =>
  text
    .split('\n')
    .find((line) => /error|abort|fatal/i.test(line))
    ?.trim() ?? text.trim().split('\n').at(-1)?.trim();
