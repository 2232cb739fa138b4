import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContextOptions, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complaintsOf, figures, launch, leftOut, serve, type Site, train } from './chromium.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const BUDGET = 150 * 1024;
const SHORT = 'model=softmax&epochs=1&batch=200&a.learningRate=0.5';

/** What axe finds, by rule and element. */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    interface Violation {
      readonly id: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
    }
    const { violations: found } = await axe.run();
    return found.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  });
}

/** Opens whatever can be opened. */
async function openAll(page: Page): Promise<void> {
  for (const summary of await page.locator('details:not([open]) > summary').all()) {
    if (await summary.isVisible()) await summary.click();
  }
}

describe.skipIf(leftOut)('the page', () => {
  let browser: Browser;
  let site: Site;
  beforeAll(async () => {
    [browser, site] = await Promise.all([launch({ webgpu: false }), serve()]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  /** A page of its own, for one test; nothing may complain. */
  async function visit(link: string, job: (page: Page) => Promise<void>, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${site.url}#${link}`);
    await page.locator('html[data-phase=idle]').waitFor();
    await job(page);
    expect(complaints).toEqual([]);
    await context.close();
  }

  it('loads in 150 KB, and its first run starts soon', { timeout: 60_000 }, () =>
    visit('a.backend=cpu', async (page) => {
      const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
      await page.locator('#weights canvas').waitFor(); // the worker is there
      const worker = page.workers()[0]!.url();
      const files = [...new Set([page.url().replace(/#.*/, ''), ...loaded, worker])];
      const sizes = await Promise.all(
        files.map(async (url) => gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length),
      );
      const size = sizes.reduce((sum, each) => sum + each, 0);
      await page.getByRole('button', { name: 'Train' }).click();
      await page.locator('html[data-phase=training]').waitFor();
      await page.waitForFunction(() => document.querySelector('.now td')!.textContent !== '–');
      const first = await page.evaluate(() => performance.now());
      console.log(
        `${files.length} files of ${size} bytes, compressed; first figures ${Math.round(first)} ms after the load began`,
      );
      expect(size).toBeLessThan(BUDGET);
    }),
  );

  it('has nothing that axe finds, and fits into every window, light and dark', { timeout: 60_000 }, () =>
    visit(`${SHORT}&a.backend=wasm&b.backend=cpu&b.useEma=1`, async (page) => {
      await openAll(page);
      expect(await violations(page)).toEqual([]);
      await train(page);
      await page.getByRole('button', { name: 'A real digit' }).click();
      await page.locator('.verdict:not(:empty)').waitFor();
      await page.getByRole('tab', { name: 'Run B' }).click();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }); // no colour halfway to another
        for (const width of [1440, 768, 360]) {
          await page.setViewportSize({ width, height: 800 });
          const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement);
          expect([width, scrollWidth]).toEqual([width, clientWidth]);
        }
        expect(await violations(page)).toEqual([]);
      }
    }),
  );

  it('keeps its settings in the address, and restores them', { timeout: 60_000 }, () =>
    visit('', async (page) => {
      await page
        .getByText(/^@sgd\/auto takes wasm/)
        .first()
        .waitFor();
      expect(await page.getByRole('radio', { name: 'wasm', exact: true }).isChecked()).toBe(true);
      await page.getByRole('textbox', { name: 'Learning rate', exact: true }).fill('0.125');
      await page.getByRole('combobox', { name: 'Schedule' }).selectOption('Polynomial decay');
      await page.getByRole('textbox', { name: 'Power' }).fill('2');
      await page.getByLabel('A second run').check();
      await page.locator('label[for=b-backend-tfjs-wasm]').click();
      const address = page.url();
      expect(address).toMatch(
        /#a\.backend=wasm&a\.learningRate=0\.125&a\.schedule=PolynomialDecay&a\.power=2&b\.backend=tfjs:wasm&b/,
      );
      await page.goto('about:blank');
      await page.goto(address);
      expect(page.url()).toBe(address);
      expect(await page.getByRole('textbox', { name: 'Learning rate', exact: true }).first().inputValue()).toBe(
        '0.125',
      );
      expect(await page.getByRole('textbox', { name: 'Power' }).first().inputValue()).toBe('2');
      expect(await page.getByLabel('A second run').isChecked()).toBe(true);
      await page.goBack();
    }),
  );

  it('says what of a link it left out', () =>
    visit('a.momentum=7&colour=red', async (page) => {
      expect(await page.locator('.notice p').allTextContents()).toEqual([
        'Left out of the link: a.momentum: expected a number from 0 to 1, got “7”',
        'Left out of the link: colour: there is no such setting',
      ]);
    }));

  it('marks a value that does not fit, and does not train with it', () =>
    visit('a.backend=cpu', async (page) => {
      const rate = page.getByRole('textbox', { name: 'Learning rate', exact: true });
      await rate.fill('fast');
      expect(await rate.getAttribute('aria-invalid')).toBe('true');
      expect(await page.locator('#a-learningRate-error').textContent()).toBe(
        'Expected a number of at least 0, got “fast”',
      );
      await page.getByRole('button', { name: 'Train' }).click();
      expect(await rate.evaluate((control) => document.activeElement === control)).toBe(true);
      expect(await page.locator('html').getAttribute('data-phase')).toBe('idle');
    }));

  it('says why a backend does not start', { timeout: 60_000 }, () =>
    visit('a.backend=cpu&b.backend=tfjs:webgpu', async (page) => {
      await train(page);
      const reason = 'WebGPU has no adapter: there is no GPU, or the browser blocks it';
      expect(await page.locator('.notice p').allTextContents()).toEqual([
        `Run B, tfjs:webgpu, did not start: ${reason}`,
      ]);
      await page.getByRole('tab', { name: 'Run B' }).click();
      expect(await page.locator('#panel-b .reason:visible').allTextContents()).toContain(
        `tfjs:webgpu does not run here: ${reason}`,
      );
    }),
  );

  it('tries all backends, and gives a reason for each that does not run', { timeout: 60_000 }, () =>
    visit('a.backend=cpu', async (page) => {
      await page.getByRole('button', { name: 'Try all of them' }).click();
      await page.waitForFunction(() =>
        [...document.querySelectorAll('#panel-a .pills label')].every((label) => /runs|fails/.test(label.className)),
      );
      const failed = await page.locator('#panel-a .fails').allTextContents();
      expect(failed).toEqual(['webgpu', 'webgpu', 'webgpu']);
      expect(await page.locator('#panel-a .reason:visible').allTextContents()).toEqual([
        'cpu runs here: plain JavaScript, float32 and float64',
        ...['tfjs', 'onnxruntime', 'gpujs'].map(
          (engine) =>
            `${engine}:webgpu does not run here: WebGPU has no adapter: there is no GPU, or the browser blocks it`,
        ),
      ]);
    }),
  );

  it('is used with the keyboard alone', { timeout: 60_000 }, () =>
    visit(`${SHORT}&a.backend=cpu&b.backend=wasm`, async (page) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement!.textContent)).toBe('Skip to the results');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.locator('html[data-phase=ended]').waitFor();
      expect(await page.evaluate(() => document.activeElement!.textContent)).toBe('Train');
      await page.getByRole('tab', { name: 'Run A' }).focus();
      await page.keyboard.press('ArrowRight');
      expect(await page.evaluate(() => document.activeElement!.textContent)).toBe('Run B');
      expect(await page.locator('#code-title').textContent()).toBe('The code of run B');
      const digit = page.getByRole('button', { name: 'A real digit' });
      await digit.focus();
      await page.keyboard.press('Enter');
      await page.locator('.verdict:not(:empty)').waitFor();
      expect(await page.locator('#pad').textContent()).toMatch(/Test digit 1: somebody’s \d\..*A sees a \d \(/);
    }),
  );

  it('recognises what is drawn, and tells a screen reader how it goes', { timeout: 60_000 }, () =>
    visit('epochs=1&a.backend=wasm', async (page) => {
      await train(page);
      expect(await page.locator('#announcer').textContent()).toMatch(/^Done\. Step 125 of 125\. Loss .*accuracy 9\d/);
      const canvas = page.locator('.paper canvas');
      await canvas.scrollIntoViewIfNeeded();
      const { x, y, width, height } = (await canvas.boundingBox())!;
      await page.mouse.move(x + width / 2, y + height * 0.15);
      await page.mouse.down();
      await page.mouse.move(x + width / 2, y + height * 0.85, { steps: 12 });
      await page.mouse.up();
      await page.locator('.verdict:not(:empty)').waitFor();
      expect(await page.locator('.verdict').textContent()).toMatch(/^It sees a 1 \(/);
      await page.getByRole('button', { name: 'Clear' }).click();
      expect(await page.locator('.verdict').textContent()).toBe('');
    }),
  );

  it('copies the code', () =>
    visit(
      'a.backend=wasm&a.momentum=0',
      async (page) => {
        await page.getByRole('button', { name: 'Copy' }).click();
        await page.getByText('Copied').waitFor();
        const copied = await page.evaluate(() => navigator.clipboard.readText());
        expect(copied).toBe(await page.locator('pre').textContent());
        expect(copied).toContain('const backend = await wasm();');
        expect(copied).not.toContain('momentum');
      },
      { permissions: ['clipboard-read', 'clipboard-write'] },
    ));

  it('starts anew with the settings of now', { timeout: 60_000 }, () =>
    visit(`${SHORT}&a.backend=cpu`, async (page) => {
      await train(page);
      await page.locator('label[for=a-backend-wasm]').click();
      expect(await page.locator('#progress p').textContent()).toMatch(/new settings count from the next training$/);
      expect((await figures(page))[0]![0]).toBe('cpu');
      await train(page);
      expect((await figures(page))[0]![0]).toBe('wasm');
    }),
  );
});
