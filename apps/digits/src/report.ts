import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { differenceText } from './compare.ts';
import { curves } from './curves.ts';
import { oneLine, UsageError } from './errors.ts';
import { percent } from './format.ts';
import { DEFAULTS, type Options } from './options.ts';
import type { RunResult } from './result.ts';
import { resultRows } from './table.ts';
import type { History } from './train.ts';

/**
 * The full path of the report; the folder that it lies in is made, not those above.
 *
 * @throws UsageError when no file can be there
 */
export async function reportPath(file: string): Promise<string> {
  const path = resolve(file);
  const refuse = (error: unknown): never => {
    throw new UsageError(`--report ${file}: expected a file that can be written (${oneLine(error)})`);
  };
  await mkdir(dirname(path)).catch((error: NodeJS.ErrnoException) => error.code === 'EEXIST' || refuse(error));
  const there = await stat(path).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? null : refuse(error),
  );
  if (there?.isDirectory()) throw new UsageError(`--report ${file}: expected a file, got a folder`);
  return path;
}

/**
 * Writes the report: one HTML file that needs nothing else, with the figures, the curves, the options and the command.
 *
 * @throws Error naming the file, when it can't be written
 */
export async function writeReport(
  path: string,
  run: RunResult,
  histories: readonly History[],
  command: string,
): Promise<void> {
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.iife.min.js'));
  const own = join(import.meta.dirname, '..', 'assets');
  const [uplotStyle, style, uplotScript, script] = (await Promise.all(
    [
      join(uplot, 'uPlot.min.css'),
      join(own, 'report.css'),
      join(uplot, 'uPlot.iife.min.js'),
      join(own, 'report.js'),
    ].map((file) => readFile(file, 'utf8')),
  )) as [string, string, string, string];
  const charts = curves(
    histories,
    (run.compare?.results ?? [run]).map(({ backend }) => backend),
  );
  const title = `Handwritten digits: ${percent(run.accuracy)} of the test digits recognised`;
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${uplotStyle}${style}</style>
<h1>${escaped(title)}</h1>
${run.interrupted ? '<p>The training was interrupted: these are the figures that it had reached.</p>' : ''}
${run.compare ? `<p>${escaped(comparisonText(run))}.</p>` : ''}
<div class="scroll">${figures(run)}</div>
<h2>Curves</h2>
<noscript><p>The curves are drawn by a script in this file.</p></noscript>
<div id="charts"></div>
<h2>Command</h2>
<pre>${escaped(command)}</pre>
<h2>Options</h2>
<div class="scroll">${optionTable(run.options)}</div>
<h2>Optimizer, as Keras writes it</h2>
<pre>${escaped(JSON.stringify(run.optimizer, null, 2))}</pre>
<script type="application/json" id="data">${JSON.stringify(charts).replaceAll('<', '\\u003c')}</script>
<script>${uplotScript}</script>
<script>${script}</script>
</html>
`;
  await writeFile(path, page).catch((cause: unknown) => {
    throw new Error(`the report ${path} could not be written: ${oneLine(cause)}`, { cause });
  });
}

/** What `--compare` found, in one sentence. */
export function comparisonText({ compare }: RunResult): string {
  if (!compare) return '';
  const [first, second] = compare.results;
  const since =
    compare.firstDifferentStep === null ? '' : `; the first difference came with step ${compare.firstDifferentStep}`;
  return `${first?.backend} and ${second?.backend}: ${differenceText(compare)}${since}`;
}

function figures(run: RunResult): string {
  const results = run.compare?.results ?? [run];
  const rows = resultRows(run).map(
    ([name, cell]) =>
      `<tr><th scope="row">${escaped(name)}</th>${results.map((result) => `<td>${escaped(cell(result))}</td>`).join('')}</tr>`,
  );
  return `<table>${rows.join('\n')}</table>`;
}

/** All options; those that are not the default stand out. */
function optionTable(options: Options): string {
  const rows = Object.entries(options).map(([key, value]) => {
    const changed = JSON.stringify(value) !== JSON.stringify(DEFAULTS[key as keyof Options]);
    const shown = escaped(typeof value === 'string' ? value : JSON.stringify(value));
    return `<tr><th scope="row">${key}</th><td>${changed ? `<strong>${shown}</strong>` : shown}</td></tr>`;
  });
  return `<table>${rows.join('\n')}</table>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
