// The built program in a process of its own: `npm test` builds it first.
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const main = new URL('../dist/main.js', import.meta.url).pathname;

/** Runs the program; `onText` sees what has come so far, with the process to send signals to. */
function program(
  argv: readonly string[],
  onText: (text: string, send: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, '--no-report', ...argv]);
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
  it('trains and ends with 0', async () => {
    const { code, output } = await program(['--limit=640', '--epochs=1']);
    expect(output).toContain('test accuracy');
    expect(code).toBe(0);
  });

  it('ends with 2 and one line for a flag that is wrong', async () => {
    expect(await program(['--epochs=none'])).toEqual({
      code: 2,
      output: 'digits: --epochs none: expected a whole number, at least 1\n',
    });
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
