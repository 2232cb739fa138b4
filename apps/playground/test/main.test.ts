import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../scripts/main.mjs', import.meta.url));
const site = fileURLToPath(new URL('../dist/index.html', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; `served` is called with the address once it serves, and the command is told to end after that. */
async function playground(argv: readonly string[], served?: (url: string) => Promise<void>): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const written = { stdout: '', stderr: '' };
  child.stderr.on('data', (text) => (written.stderr += String(text)));
  const serving = new Promise<string>((resolve) => {
    child.stdout.on('data', (text) => {
      written.stdout += String(text);
      const url = /https?:\S+/.exec(written.stdout)?.[0];
      if (url && served) resolve(url);
    });
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const first = await Promise.race([serving, closed]);
  if (typeof first === 'string') {
    try {
      await served!(first);
    } finally {
      child.kill('SIGINT');
    }
  }
  const [code] = await closed;
  return { code, ...written };
}

describe('npm run playground', () => {
  it('--help tells the flags', async () => {
    const { code, stdout, stderr } = await playground(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const flag of ['--port', '--host', '--base', '--build', '--help']) expect(stdout).toContain(flag);
  });

  it.each([
    [['--prot', '80'], /^playground: Unknown option '--prot'/],
    [['--port', 'http'], /^playground: --port http: expected a whole number from 0 to 65535; see --help\n$/],
    [['--port', '65536'], /^playground: --port 65536: expected a whole number/],
    [['--port', ''], /^playground: --port : expected a whole number/],
    [['page'], /^playground: Unexpected argument 'page'/],
  ])('%j: one line that says what is wrong, and 2', async (argv, message) => {
    const { code, stdout, stderr } = await playground(argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it.runIf(existsSync(site) || process.env['CI'])('serves the page under --base, and ends at Ctrl-C', async () => {
    const { code, stdout } = await playground(['--port', '0', '--base', 'some/where'], async (url) => {
      expect(url).toMatch(/^http:\/\/localhost:\d+\/some\/where\/$/);
      const page = await fetch(url);
      expect(page.status).toBe(200);
      expect(await page.text()).toContain('<title>');
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/\(Ctrl-C ends it\)\n$/);
  });

  it.runIf(existsSync(site) || process.env['CI'])('takes the next port where one is taken', async () => {
    const other = createServer().listen(0, 'localhost');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      const { code } = await playground(['--port', String(port)], async (url) => {
        expect(Number(new URL(url).port)).toBeGreaterThan(port);
        expect((await fetch(url)).status).toBe(200);
      });
      expect(code).toBe(0);
    } finally {
      other.close();
    }
  });

  it.runIf(existsSync(site) || process.env['CI'])('--build only says where the files are', async () => {
    const { code, stdout } = await playground(['--build']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^playground: built, static files in .*dist\n$/);
  });
});
