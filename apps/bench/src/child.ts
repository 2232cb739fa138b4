import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs one of the programs beside this one in a process of its own, and gives what it printed. */
export function runChild(name: string, args: readonly string[], flags: readonly string[] = []): string {
  // from source it is the built one that runs: Node 20 knows no types
  const folder = import.meta.url.endsWith('.ts') ? '../dist/' : './';
  const program = fileURLToPath(new URL(`${folder}${name}.js`, import.meta.url));
  return execFileSync(process.execPath, [...flags, program, ...args], { encoding: 'utf8' });
}
