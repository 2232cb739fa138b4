import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import figures from '../tooling/ranking/figures.json' with { type: 'json' };
import { packageSource } from '../tooling/ranking/package.mjs';
import { chartsOf, page } from '../tooling/ranking/page.mjs';
import { readmes, withTable } from '../tooling/ranking/readmes.mjs';
import { blocksOf } from './snippets.ts';
import { root } from './workspace.ts';

const READMES = readmes().map((file) => [file, readFileSync(join(root, file), 'utf8')] as const);
/** Without what the formatter decides. */
const bare = (text: string): string => text.replaceAll(/-{3,}/g, '---').replaceAll(/[\s'",]+/g, '');

describe.each(READMES)('%s', (file, text) => {
  it('has the table "which backend here" with the figures that were measured', () => {
    expect(bare(text)).toBe(bare(withTable(file, text, figures)!));
  });

  it('starts with one sentence, what to install, and an example of at most 10 lines', () => {
    const [install, example] = blocksOf(file, text);
    expect(install?.code).toMatch(/^np[mx] /);
    const lines = example!.code.split('\n').filter((line) => line.trim() !== '');
    expect(lines.length).toBeLessThanOrEqual(10);
    expect(example!.line).toBeLessThan(20);
  });
});

describe('what is made of the figures', () => {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');

  it('is docs/which-backend.md, with its charts', () => {
    expect(bare(read('docs/which-backend.md'))).toBe(bare(page(figures)));
    for (const [file, svg] of Object.entries(chartsOf(figures))) expect(read(`docs/${file}`), file).toBe(svg);
  });

  it('is what @sgd/auto goes by', () => {
    expect(bare(read('packages/auto/src/ranking.ts'))).toBe(bare(packageSource(figures)));
  });

  it('says of engines that a program draws that they were not on a GPU', () => {
    const software = figures.browser.rows.filter(({ device }) => device === 'software');
    for (const { name } of software) expect(read('docs/which-backend.md')).toContain(`\`${name}\` *`);
    const said = read('docs/which-backend.md').includes('**No real GPU was measured.**');
    expect(said).toBe(software.length > 0);
    expect(read('README.md').includes('Nothing was measured on a real GPU')).toBe(software.length > 0);
  });
});
