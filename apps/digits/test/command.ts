import { Writable } from 'node:stream';
import { run } from '../src/app.ts';
import type { RunResult } from '../src/result.ts';

class Text extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs the command in this process, with pipes for streams. */
export async function command(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = new Text();
  const stderr = new Text();
  const code = await run(argv, { stdout, stderr });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** Trains on 1,280 digits for two epochs unless told otherwise, without a report, and returns what `--json` prints. */
export async function trained(...argv: string[]): Promise<RunResult> {
  const { code, stdout, stderr } = await command(
    '--limit=1280',
    '--epochs=2',
    '--no-report',
    '--json',
    '--quiet',
    ...argv,
  );
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}`);
  return JSON.parse(stdout) as RunResult;
}
