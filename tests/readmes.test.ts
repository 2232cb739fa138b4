import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import figures from '../tooling/ranking/figures.json' with { type: 'json' };
import { readmes, withTable } from '../tooling/ranking/readmes.mjs';
import { blocksOf } from './snippets.ts';
import { root } from './workspace.ts';

const READMES = readmes().map((file) => [file, readFileSync(join(root, file), 'utf8')] as const);

describe.each(READMES)('%s', (file, text) => {
  it('has the table "which backend here" with the figures that were measured', () => {
    expect(text).toBe(withTable(file, text, figures));
  });

  it('starts with one sentence, what to install, and an example of at most 10 lines', () => {
    const [install, example] = blocksOf(file, text);
    expect(install?.code).toMatch(/^np[mx] /);
    const lines = example!.code.split('\n').filter((line) => line.trim() !== '');
    expect(lines.length).toBeLessThanOrEqual(10);
    expect(example!.line).toBeLessThan(20);
  });
});
