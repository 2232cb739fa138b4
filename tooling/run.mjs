// `node tooling/run.mjs @sgd/digits --epochs 1`: installs and builds what the package needs, then runs its `bin`
// in the folder that the user is in, with the user's flags.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { run } from './pnpm.mjs';

const root = new URL('../', import.meta.url);
const [name, ...flags] = process.argv.slice(2);
const folders = ['packages/', 'apps/'].flatMap((parent) =>
  readdirSync(new URL(parent, root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => new URL(`${parent}${entry.name}/`, root)),
);
const manifestOf = (folder) => JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
const folder = folders.find((f) => manifestOf(f).name === name);
if (!folder) throw new Error(`no package ${name} in the workspace`);
const { bin } = manifestOf(folder);
const main = fileURLToPath(new URL(typeof bin === 'string' ? bin : Object.values(bin)[0], folder));

// engines are loaded by name at run time, so all packages are built, not only what this one depends on
const status = await build(['./packages/*', name]);
process.exitCode =
  status === 0 ? await run(process.execPath, [main, ...flags], { cwd: process.env.INIT_CWD ?? process.cwd() }) : status;
