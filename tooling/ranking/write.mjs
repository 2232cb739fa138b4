import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { packageSource } from './package.mjs';
import { chartsOf, page } from './page.mjs';
import { readmes, withTable } from './readmes.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const RANKING = 'packages/auto/src/ranking.ts';
const PAGE = 'docs/which-backend.md';

/** Writes all that is made of the figures. */
export function writeAll(figures) {
  writeFileSync(`${root}${RANKING}`, packageSource(figures));
  for (const file of readmes()) {
    const text = withTable(file, readFileSync(`${root}${file}`, 'utf8'), figures);
    if (text === null) throw new Error(`${file}: there is no place for the table`);
    writeFileSync(`${root}${file}`, text);
  }
  mkdirSync(`${root}docs/which-backend`, { recursive: true });
  for (const [file, svg] of Object.entries(chartsOf(figures))) writeFileSync(`${root}docs/${file}`, svg);
  writeFileSync(`${root}${PAGE}`, page(figures));
  const written = [RANKING, PAGE, ...readmes(), 'tooling/ranking/figures.json'];
  execFileSync(`${root}node_modules/.bin/oxfmt`, written, { cwd: root });
}
