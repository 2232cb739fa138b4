// Opens a built page in a Chromium, where there is one, and waits for what it puts into its title.
import { preview } from 'vite';
import { findChromium } from '../chromium.mjs';

/** Gives the title that is not `waiting`; `null` without a browser. */
export async function open(folder, signal) {
  const executablePath = findChromium();
  if (!executablePath) return null;
  const { chromium } = await import('playwright');
  const server = await preview({ root: folder, build: { outDir: '.' }, preview: { port: 0 }, logLevel: 'silent' });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking'] });
  const stop = () => browser.close();
  signal.addEventListener('abort', stop);
  try {
    const page = await browser.newPage();
    await page.goto(server.resolvedUrls.local[0]);
    await page.waitForFunction(() => document.title !== 'waiting', undefined, { timeout: 30_000 });
    return await page.title();
  } finally {
    signal.removeEventListener('abort', stop);
    await browser.close();
    await server.close();
  }
}
