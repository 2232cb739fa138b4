import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf } from './snippets.ts';
import { files, root } from './workspace.ts';

// A translation says the same in other words: its code, headings, tables and links are those of the English page.
const translations = files().filter((file) => file.endsWith('.zh-CN.md'));
const englishOf = (file: string): string => file.replace(/\.zh-CN(?=\.md)/, '');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const proseOf = (text: string): string => text.replaceAll(/^(`{3,})[^]*?^\1$/gm, '');
const spansOf = (text: string): string[] => (text.match(/`[^`\n]+`/g) ?? []).toSorted();
const figuresOf = (text: string): string[] => text.match(/\d[\d.,]*(?:e-?\d+)?/g) ?? [];

const headingsOf = (text: string): string[] => proseOf(text).match(/^#+(?= )/gm) ?? [];

/** The tables of a text: for each its rows, for each row its cells. */
const tablesOf = (text: string): string[][][] =>
  (proseOf(text).match(/(?:^\|.*\|$\n?)+/gm) ?? []).map((table) =>
    table
      .trim()
      .split('\n')
      .filter((row) => !/^[|\s:-]+$/.test(row))
      .map((row) => row.split('|').slice(1, -1)),
  );

/** Where the links of a page lead, from the root, each to the English page; not those between the page and its translation. */
const linksOf = (file: string, text: string): string[] =>
  [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .map((target) => (/^\w+:/.test(target) ? target : posix.join(posix.dirname(file), target)))
    .map((target) => englishOf(target))
    .filter((target) => target !== englishOf(file))
    .toSorted();

describe('the translations', () => {
  it('are there', () => {
    expect(translations).toEqual(expect.arrayContaining(['README.zh-CN.md', 'docs/start.zh-CN.md']));
  });
});

describe.each(translations)('%s', (file) => {
  const [english, text] = [read(englishOf(file)), read(file)];

  it('and the English page link to each other', () => {
    expect(english).toContain(`[简体中文](${posix.basename(file)})`);
    expect(text).toContain(`[English](${posix.basename(englishOf(file))})`);
  });

  it('has the same code', () => {
    const codeOf = (markdown: string) =>
      blocksOf(file, markdown).map(({ language, marker, code }) => [language, marker, code]);
    expect(codeOf(text)).toEqual(codeOf(english));
    expect(spansOf(proseOf(text))).toEqual(spansOf(proseOf(english)));
  });

  it('has headings of the same levels', () => {
    expect(headingsOf(text)).toEqual(headingsOf(english));
  });

  it('has the same tables', () => {
    const shapeOf = (markdown: string) =>
      tablesOf(markdown).map((table) =>
        table.map((row) => row.map((cell) => ({ figures: figuresOf(cell), code: spansOf(cell) }))),
      );
    expect(shapeOf(text)).toEqual(shapeOf(english));
  });

  it('names the machine on which the figures were measured', () => {
    const machine = / on ([^\n]+?)\. Nothing was measured/.exec(english)?.[1] ?? ''; // none on a page without figures
    expect(text).toContain(machine);
  });

  it('has the same links', () => {
    expect(linksOf(file, text)).toEqual(linksOf(englishOf(file), english));
  });
});
