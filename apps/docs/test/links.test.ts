import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkLinks } from '../src/links.ts';
import { pageOf, REPOSITORY, siteLink } from '../src/pages.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

function site(pages: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'site-'));
  folders.push(folder);
  for (const [file, text] of Object.entries(pages)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

describe('the links of a built site', () => {
  it('are followed to pages, folders and anchors, with the base in front', () => {
    const folder = site({
      'index.html': '<h1 id="top"></h1><a href="/base/a/">a</a><a href="#top">t</a><a href="a/#x">x</a>',
      'a/index.html': '<p id="x"><a href="../index.html#top">up</a><a href="https://example.com/none">out</a>',
    });
    expect(checkLinks(folder, '/base/')).toEqual({ pages: 2, links: 4, broken: [] });
  });

  it('are named where they lead nowhere', () => {
    const folder = site({
      'index.html': '<a href="none.html">1</a><a href="#none">2</a><img src="/other/x.png"><a href="a.html#y">3</a>',
      'a.html': '',
    });
    expect(checkLinks(folder, '/base/').broken).toEqual([
      'index.html: none.html (no such page)',
      'index.html: #none (no such anchor)',
      'index.html: /other/x.png (outside of the site)',
      'index.html: a.html#y (no such anchor)',
    ]);
  });
});

describe('a link of the repository', () => {
  const files = ['README.md', 'docs/start.md', 'packages/cpu/README.md', 'packages/cpu', 'packages/cpu/src/index.ts'];
  const exists = (file: string): boolean => files.includes(file);

  it.each([
    ['../packages/cpu/README.md#types', '/packages/cpu.md#types'],
    ['../packages/cpu', '/packages/cpu.md'],
    ['../README.md', '/index.md'],
    ['../packages/cpu/src/index.ts', `${REPOSITORY}/blob/main/packages/cpu/src/index.ts`],
    ['#here', '#here'],
    ['https://example.com', 'https://example.com'],
  ])('%s leads to %s', (href, wanted) => {
    expect(siteLink(href, 'docs/start.md', exists)).toBe(wanted);
  });

  it('to what is not there is refused', () => {
    expect(() => siteLink('none.md', 'docs/start.md', exists)).toThrow('docs/start.md: a link to none.md');
  });

  it('leads to a page for pages only', () => {
    expect(pageOf('docs/options/README.md')).toBe('options/index.md');
    expect(pageOf('packages/cpu/CHANGELOG.md')).toBeUndefined();
  });
});
