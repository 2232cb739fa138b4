// `npm run ranking`: times steps of momentum on all engines, in Node and in Chromium, and writes what comes of it: see HELP.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KINDS } from './ranking/measure.mjs';
import { measureNode } from './ranking/node.mjs';

const HELP = `usage: npm run ranking -- [--only node|browser|nothing] [--gradients KIND]...

Times steps of momentum on every engine and writes the figures to tooling/ranking/figures.json. From these it writes what @sgd/auto goes by
where it does not time itself (packages/auto/src/ranking.ts), the table "which backend here" of the READMEs, and docs/which-backend.md with
its charts. Let nothing else run meanwhile.

  --only WHERE      node, browser, or nothing: only write, from the figures that there are; default: both
  --gradients KIND  engines for gradients of ${KINDS.join(', ')} only; may be repeated; others keep their figures
  --help            this text

CHROME_PATH is the browser, where it is in none of the usual places.
`;

function readFlags() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      gradients: { type: 'string', multiple: true, default: KINDS },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, gradients } = values;
  if (only !== undefined && !['node', 'browser', 'nothing'].includes(only))
    throw new Error(`--only ${only}: expected node, browser or nothing`);
  const strange = gradients.find((kind) => !KINDS.includes(kind));
  if (strange !== undefined) throw new Error(`--gradients ${strange}: expected one of ${KINDS.join(', ')}`);
  return values;
}

async function main() {
  let flags;
  try {
    flags = readFlags();
  } catch (error) {
    process.stderr.write(`ranking: ${error.message} (see --help)\n`);
    return 2;
  }
  if (flags.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const file = fileURLToPath(new URL('ranking/figures.json', import.meta.url));
  const figures = JSON.parse(readFileSync(file, 'utf8'));
  const { only = 'both', gradients } = flags;
  if (only === 'both' || only === 'node') figures.node = await measureNode(gradients, figures.node);
  if (only === 'both' || only === 'browser') {
    const { measureBrowser } = await import('./ranking/browser.mjs');
    figures.browser = await measureBrowser(gradients, figures.browser);
  }
  writeFileSync(file, JSON.stringify(figures));
  const { writeAll } = await import('./ranking/write.mjs');
  writeAll(figures);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`ranking: ${error.message}\n`);
  process.exitCode = 1;
}
