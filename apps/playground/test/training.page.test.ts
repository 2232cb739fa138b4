import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS } from '../src/settings/backends.ts';
import { complaintsOf, ended, figures, launch, leftOut, more, serve, type Site, train } from './chromium.ts';

/** Two at a time on the same batches, so that each gradient serves two. */
const PAIRS = BACKENDS.flatMap((name, i) => (i % 2 === 0 ? [[name, BACKENDS[i + 1] ?? 'cpu'] as const] : []));
/** 40 steps. */
const SHORT = 'model=softmax&epochs=1&batch=200&a.learningRate=0.5&b.learningRate=0.5';

describe.skipIf(leftOut)('training in a page', () => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    [browser, site] = await Promise.all([launch(), serve()]);
    page = await browser.newPage();
    complaints = complaintsOf(page);
    await page.goto(site.url);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });
  /** Changes the address, as a link in the page would. */
  const open = (link: string): Promise<void> =>
    page.evaluate(
      (hash) =>
        new Promise<void>((resolve) => {
          addEventListener('hashchange', () => setTimeout(resolve), { once: true });
          location.hash = hash;
        }),
      link,
    );

  it.each(PAIRS)('learns on %s and %s, to 85 of 100 digits and more', { timeout: 60_000 }, async (a, b) => {
    await open(`${SHORT}&a.backend=${a}&b.backend=${b}`);
    await train(page);
    expect(await page.locator('#messages').textContent()).toBe('');
    const rows = await figures(page);
    expect(rows.map(([name]) => name)).toEqual([`A ${a}`, `B ${b}`]);
    for (const [, , accuracy] of rows) expect(Number.parseFloat(accuracy!)).toBeGreaterThanOrEqual(85);
    expect(complaints).toEqual([]);
  });

  it('shows that cpu and wasm have the same weights, to the bit', async () => {
    await open(`${SHORT}&a.backend=cpu&b.backend=wasm&a.clip=globalClipnorm&b.clip=globalClipnorm`);
    await train(page);
    expect(await page.locator('#difference').textContent()).toContain('The same to the bit: all 7,850 weights, 0 ulp.');
    expect(await more(page, 'Fingerprint', 0)).toBe(await more(page, 'Fingerprint', 1));
  });

  it('shows from which step on two runs differ, and by how much', async () => {
    await open(`${SHORT}&a.backend=cpu&b.backend=wasm&b.momentum=0`);
    await train(page);
    expect(await page.locator('#difference').textContent()).toMatch(
      /[\d,]+ of 7,850 weights differ, by at most [\d,]+ ulp\.First after step 1;/,
    );
  });

  it('pauses, resumes, and ends with the weights of a training without a pause', { timeout: 60_000 }, async () => {
    await open('epochs=4&a.backend=wasm&a.useEma=1');
    await train(page);
    const straight = await more(page, 'Fingerprint');
    expect(straight).toMatch(/^[0-9a-f]{8}$/);
    await page.getByRole('button', { name: 'Train' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    const resume = page.getByRole('button', { name: 'Resume' });
    await resume.waitFor();
    const paused = await page.locator('#progress p').textContent();
    expect(paused).toMatch(/^Epoch \d of 4 · step \d+ of 500 · paused/);
    expect(await more(page, 'Fingerprint')).toBe('–');
    await page.waitForTimeout(200);
    expect(await page.locator('#progress p').textContent()).toBe(paused);
    await resume.click();
    await ended(page);
    expect(await more(page, 'Fingerprint')).toBe(straight);
    expect(complaints).toEqual([]);
  });

  it('stops, and resets', async () => {
    await open('epochs=100&a.backend=wasm');
    await page.getByRole('button', { name: 'Train' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await ended(page);
    expect(await page.locator('#progress p').textContent()).toMatch(/^Stopped after \d+ of 12,500 steps/);
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.locator('html[data-phase=idle]').waitFor();
    expect((await figures(page))[0]!.slice(1)).toEqual(['–', '–', '–', '–']);
    await page.getByRole('button', { name: 'Train' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.locator('html[data-phase=idle]').waitFor();
  });

  it('leaves the page free: no task of 100 ms and more while two runs are drawn', { timeout: 60_000 }, async () => {
    await open('epochs=1&a.backend=cpu&b.backend=wasm');
    await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] });
    await train(page);
    const tasks = tasksIn((await browser.stopTracing()).toString());
    expect(tasks.length).toBeGreaterThan(100);
    expect(tasks.filter((milliseconds) => milliseconds >= 100)).toEqual([]);
    console.log(`longest task of the page: ${Math.max(...tasks).toFixed(1)} ms`);
  });
});

/** Processor time in ms of each task of the page's thread: what else the machine does meanwhile does not count. */
function tasksIn(trace: string): number[] {
  interface Event {
    readonly name: string;
    readonly pid: number;
    readonly tid: number;
    readonly tdur?: number;
    readonly args: { readonly name?: string };
  }
  const { traceEvents } = JSON.parse(trace) as { traceEvents: readonly Event[] };
  const main = new Set(
    traceEvents.filter(({ args }) => args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid}/${tid}`),
  );
  return traceEvents
    .filter(({ name, pid, tid }) => name === 'RunTask' && main.has(`${pid}/${tid}`))
    .map(({ tdur = 0 }) => tdur / 1000);
}
