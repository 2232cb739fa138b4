import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as core from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { SIDEBAR } from '../.vitepress/sidebar.ts';
import { FOLDER, pictures } from '../src/pictures/pictures.ts';

const docs = fileURLToPath(new URL('../../../docs/', import.meta.url));
const pages = readdirSync(docs, { recursive: true })
  .map((file) => String(file).replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.md') && !file.startsWith('api/'));
const read = (page: string): string => readFileSync(join(docs, page), 'utf8');
const inFolder = (folder: string): string[] =>
  pages.filter((page) => page.startsWith(`${folder}/`) && !page.endsWith('README.md'));

describe('the pages of docs', () => {
  it('are all in the sidebar', () => {
    const links = SIDEBAR.flatMap(({ items }) => items ?? []).map(({ link }) => link);
    const wanted = pages.map((page) => `/${page.replace(/(?:README)?\.md$/, '')}`);
    expect(links).toEqual(expect.arrayContaining(wanted));
  });

  it('show every picture, and say in words what is on it', async () => {
    const shown = pages.flatMap((page) => [
      ...read(page).matchAll(/!\[([^\]]*)\]\((?:\.\.\/)?pictures\/([\w-]+\.svg)\)/g),
    ]);
    expect(shown.map(([, , file]) => file!).toSorted()).toEqual([...(await pictures()).keys()].toSorted());
    for (const [, words, file] of shown) {
      const description = /aria-label="([^"]*)"/.exec(readFileSync(join(FOLDER, file!), 'utf8'))?.[1];
      expect(words!.length, file).toBeGreaterThan(40);
      expect(description?.length, file).toBeGreaterThan(40);
    }
  });
});

describe('the pages of options', () => {
  const config = new core.SGD({}, cpu()).getConfig();

  it.each(Object.keys(config))('%s is in the overview, and in the title of a page', (option) => {
    expect(read('options/README.md')).toContain(`\`${option}\``);
    const titles = inFolder('options').map((page) => read(page).split('\n')[0]);
    expect(option === 'name' || titles.some((title) => title?.includes(`\`${option}\``))).toBe(true);
  });

  const withPicture = inFolder('options').filter((page) => page !== 'options/extras.md');

  it.each(withPicture)('%s has the rule, a picture, the errors, a program, and is in the overview', (page) => {
    const text = read(page);
    for (const part of ['\n```text\n', '](../pictures/', '\n## Errors\n', '\n## Try it\n', 'Keras', 'SGD_'])
      expect(text).toContain(part);
    expect(read('options/README.md')).toContain(`](${page.replace('options/', '')})`);
  });
});

describe('the pages of schedules', () => {
  const names = Object.keys(core).filter((name) => /Decay(?:Restarts)?$/.test(name));

  it('are one for each', () => {
    expect(names.length).toBe(6);
    const titles = inFolder('schedules').map((page) => read(page).split('\n')[0]!);
    expect(titles.toSorted()).toEqual(names.map((name) => `# \`${name}\``).toSorted());
  });

  it.each(inFolder('schedules'))(
    '%s has the formula, a picture, the errors, a program, and is in the overview',
    (page) => {
      const text = read(page);
      for (const part of ['\n```text\n', '](../pictures/', 'SGD_INVALID_OPTION', '\n```ts\n', 'Keras: ', 'PyTorch: '])
        expect(text).toContain(part);
      expect(read('schedules/README.md')).toContain(`](${page.replace('schedules/', '')})`);
    },
  );
});
