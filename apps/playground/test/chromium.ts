import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright';
import { preview } from 'vite';
import { findChromium } from '../../../tooling/chromium.mjs';

const executablePath = findChromium();
if (executablePath === undefined) console.warn('no Chromium (CHROME_PATH): the page is not tested');

/** Left out without a browser; under CI it fails then. */
export const leftOut: boolean = executablePath === undefined && !process.env['CI'];

const SOFTWARE = ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Chromium, with WebGPU in software unless it is left out. */
export function launch({ webgpu = true } = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: executablePath ?? '/usr/bin/chromium',
    args: [...SOFTWARE, ...(webgpu ? WEBGPU : [])],
  });
}

/** The built site, under a path of its own. */
export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));

/** Serves what was built. */
export async function serve(base = '/under/a/path/'): Promise<Site> {
  if (!existsSync(`${root}dist/index.html`)) throw new Error('nothing is built: run npm run build first');
  const server = await preview({ root, base, logLevel: 'silent', preview: { port: 0, host: 'localhost' } });
  return {
    url: server.resolvedUrls!.local[0]!,
    close: () => new Promise((done) => void server.httpServer.close(() => done())),
  };
}

/** Collects what no page should say. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return complaints;
}

/** Presses Train, and waits until the training has ended. */
export async function train(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Train' }).click();
  await ended(page);
}

/** Waits until the training has ended. */
export async function ended(page: Page): Promise<void> {
  await page.locator('html[data-phase=ended]').waitFor();
}

/** The table of the figures of now, a row for each run: its name, loss, test accuracy in percent, learning rate, update norm. */
export async function figures(page: Page): Promise<readonly (readonly string[])[]> {
  const rows = await page.locator('.now tbody tr').all();
  return Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
}

/** What the table of more figures says of a run. */
export function more(page: Page, figure: string, run = 0): Promise<string> {
  const row = page.locator('.more tr').filter({ has: page.locator('th', { hasText: figure }) });
  return row
    .locator('td')
    .nth(run)
    .evaluate((cell) => cell.textContent);
}
