// The built program in a process of its own: `npm test` builds it first.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const main = new URL('../dist/main.js', import.meta.url).pathname;

const folder = mkdtempSync(join(tmpdir(), 'digits-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the program in a folder of its own; `onText` sees what has come so far, with the process to send signals to. */
function program(
  argv: readonly string[],
  onText: (text: string, send: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...argv], { cwd: folder });
    let output = '';
    const more = (chunk: Buffer): void => {
      output += chunk.toString();
      onText(output, (signal) => child.kill(signal));
    };
    child.stdout.on('data', more);
    child.stderr.on('data', more);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

describe('the program', () => {
  it('trains and ends with 0; --no-report writes nothing', async () => {
    const { code, output } = await program(['--limit=640', '--epochs=1', '--no-report']);
    expect(output).toContain('test accuracy');
    expect({ code, written: readdirSync(folder) }).toEqual({ code: 0, written: [] });
  });

  it.each(['tfjs', 'tfjs:wasm'])(
    'trains on the engine %s to the same bits, as a backend beside its own',
    async (engine) => {
      const { code, output } = await program([`--compare=cpu,${engine}`, '--limit=320', '--epochs=1', '--no-report']);
      expect(output).toContain('the final weights are the same to the bit');
      expect(code).toBe(0);
    },
  );

  it('ends with 2 and one line for a flag that is wrong', async () => {
    expect(await program(['--epochs=none'])).toEqual({
      code: 2,
      output: 'digits: --epochs none: expected a whole number, at least 1\n',
    });
  });

  it('says of a package that is none of a backend what it expected', async () => {
    const { code, output } = await program(['--backend=@sgd/core']);
    expect(code).toBe(2);
    expect(output).toMatch(
      /^digits: --backend @sgd\/core: expected a module whose default export makes a backend[^\n]*\n$/,
    );
  });

  it('at Ctrl-C stops training, tells what it reached, and ends with 130', async () => {
    let sent = false;
    const { code, output } = await program(['--limit=640', '--epochs=1000', '--use-ema'], (text, send) => {
      if (sent || !text.includes('epoch 2/1000')) return;
      sent = true;
      send('SIGINT');
    });
    expect(code).toBe(130);
    expect(output).toContain('stopping after this step');
    expect(output).toMatch(/test accuracy .*of 2,000/);
    expect(output).toContain('interrupted');
    expect(readdirSync(join(folder, 'reports'))).toEqual(['digits.html']);
  });

  it('at a second Ctrl-C ends at once with 130', async () => {
    let sent = false;
    const { code, output } = await program(['--batch=8000', '--epochs=1000'], (text, send) => {
      if (sent || !text.includes('epoch 1/1000')) return;
      sent = true;
      send('SIGINT'); // both come while one long step is under way
      setTimeout(() => send('SIGINT'), 20);
    });
    expect(code).toBe(130);
    expect(output).not.toContain('test accuracy');
  });
});
