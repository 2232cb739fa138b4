// `npm run release:rehearse`: a release from beginning to end on this machine, with nothing of it leaving the machine: a clone of
// HEAD, versions from the changesets, a build, everything published to a registry on loopback, then empty projects that install from
// there and use it. Prints a table of those projects; exits with 1 when one fails.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { consumers, readmes } from './release/consumers.mjs';
import { startRegistry } from './release/registry.mjs';
import { run, writeFiles } from './release/shell.mjs';

const HELP = `npm run release:rehearse -- [options]

  --only WORDS   only projects whose name has one of these words, e.g. --only "deno,README"
  --list         list the projects, run nothing
  --keep         leave the folder with the clone and the projects
  --help         this text

Rehearses HEAD: what is not committed is not in it. Ctrl-C stops and cleans up.
`;
const root = fileURLToPath(new URL('../', import.meta.url));
const say = (text) => process.stderr.write(`${text}\n`);
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** What is to be published, from a checkout: manifests and READMEs. */
const packagesOf = (folder) =>
  readdirSync(join(folder, 'packages')).map((name) => {
    const read = (file) => readFileSync(join(folder, 'packages', name, file), 'utf8');
    return { ...JSON.parse(read('package.json')), readme: read('README.md') };
  });

/** Clones, versions, builds and publishes. Gives what was published. */
async function release(work, registry, { plain, loopback }, signal) {
  const repo = join(work, 'repo');
  const at = { cwd: repo, env: plain, signal };
  const pnpm = (...args) => run(process.execPath, ['tooling/pnpm.mjs', ...args], at);
  await step('clone HEAD', () => run('git', ['clone', '--quiet', root, repo], { ...at, cwd: work }));
  await step('install', () => pnpm('install', '--frozen-lockfile', '--prefer-offline'));
  const before = packagesOf(repo);
  await step('versions', () => pnpm('exec', 'changeset', 'version'));
  wantNoMajor(before, packagesOf(repo));
  await run('git', ['commit', '--quiet', '--all', '--message', 'release'], at);
  await step('build', () => run(process.execPath, ['tooling/build.mjs'], at));
  const publish = ['tooling/pnpm.mjs', 'exec', 'changeset', 'publish'];
  await step('publish', () => run(process.execPath, publish, { ...at, env: loopback }));
  const packages = packagesOf(repo);
  const { packages: kept } = registry;
  for (const { name, version } of packages) {
    const published = kept.get(name)?.['dist-tags'].latest;
    if (published !== version) throw new Error(`${name}: expected ${version} to be published, got ${published}`);
  }
  say(`  ${packages.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
  await step('versions after a new minor of core', () => nextRelease(repo, pnpm));
  return packages;
}

/** No changeset asks for a major, and what others become is no reason for one. */
function wantNoMajor(before, after) {
  const major = ({ version }) => version.split('.')[0];
  for (const [i, one] of after.entries()) {
    if (major(one) !== major(before[i])) throw new Error(`${one.name}: ${before[i].version} became ${one.version}`);
  }
}

/** What a later release of core does to the others: some go with it, engines get a patch, and nobody a major. */
async function nextRelease(repo, pnpm) {
  const before = new Map(packagesOf(repo).map(({ name, version }) => [name, version]));
  const { fixed } = JSON.parse(readFileSync(join(repo, '.changeset/config.json'), 'utf8'));
  writeFiles(repo, { '.changeset/next.md': "---\n'@sgd/core': minor\n---\n\nSomething new.\n" });
  await pnpm('exec', 'changeset', 'version');
  wantNoMajor(
    [...before].map(([, version]) => ({ version })),
    packagesOf(repo),
  );
  for (const { name, version, dependencies } of packagesOf(repo)) {
    const [major, minor, patch] = before.get(name).split('.').map(Number);
    const needsCore = dependencies?.['@sgd/core'] !== undefined;
    const inStep = fixed.flat().includes(name);
    const expected = inStep ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + (needsCore ? 1 : 0)}`;
    if (version !== expected) throw new Error(`${name}: a minor of core should make it ${expected}, got ${version}`);
  }
}

async function step(name, work) {
  const since = performance.now();
  await work();
  say(`${name}: ${seconds(since)}`);
}

/** One project, in an empty folder. */
async function tryOut({ name, use }, i, work, env, signal) {
  const folder = join(work, `consumer-${i}`);
  mkdirSync(folder);
  writeFiles(folder, { 'package.json': { private: true, type: 'module' } });
  const at = { cwd: folder, env, signal };
  const npx = (...args) => run('npx', ['--yes', ...args], at);
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  let skipped = null;
  const since = performance.now();
  try {
    await use({
      folder,
      signal,
      npx,
      run: (command, args, where = {}) => run(command, args, { ...at, ...where }),
      node: (...args) => run(process.execPath, args, at),
      npm: (...names) => run('npm', ['install', '--no-audit', '--no-fund', ...names], at),
      pnpm: (...names) => npx(packageManager, 'add', '--config.strictDepBuilds=false', ...names),
      write: (files) => writeFiles(folder, files),
      skip: (why) => (skipped = why),
    });
    return { name, state: skipped ?? 'passed', failed: false, time: seconds(since) };
  } catch (error) {
    say(`\n${name}: ${error.message}\n`);
    return { name, state: 'FAILED', failed: true, time: seconds(since) };
  }
}

async function main() {
  const options = {
    only: { type: 'string' },
    list: { type: 'boolean' },
    keep: { type: 'boolean' },
    help: { type: 'boolean' },
  };
  const { values } = parseArgs({ options });
  if (values.help) return process.stdout.write(HELP);
  const words = (values.only ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  const choose = (list) =>
    list.filter(({ name }) => words.length === 0 || words.some((w) => name.toLowerCase().includes(w)));
  const chosen = choose([...consumers, ...readmes(packagesOf(root))]);
  if (values.list) return process.stdout.write(`${chosen.map(({ name }) => name).join('\n')}\n`);
  if (chosen.length === 0) throw new Error(`--only ${words.join()}: no project of that name; --list shows all`);

  const since = performance.now();
  const work = mkdtempSync(join(tmpdir(), 'sgd-release-'));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const upstream = (await run('npm', ['config', 'get', 'registry'], { cwd: root })).trim();
  const registry = await startRegistry({ upstream, own: packagesOf(root).map(({ name }) => name) });
  try {
    const env = environments(work, registry.url);
    const packages = await release(work, registry, env, stop.signal);
    const table = new Table({ head: ['project', 'result', 'time'], style: { head: [], border: [], compact: true } });
    let failed = 0;
    for (const [i, consumer] of choose([...consumers, ...readmes(packages)]).entries()) {
      stop.signal.throwIfAborted();
      const result = await tryOut(consumer, i, work, env.loopback, stop.signal);
      say(`${result.name}: ${result.state}, ${result.time}`);
      if (result.failed) failed++;
      table.push([result.name, result.state, result.time]);
    }
    process.stdout.write(
      `${table.toString()}\n${table.length - failed} passed, ${failed} failed, ${seconds(since)} in all\n`,
    );
    process.exitCode = failed === 0 ? 0 : 1;
  } finally {
    registry.close();
    if (values.keep) say(`kept: ${work}`);
    else rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The environment of commands: `plain`, without what npm told this process of its own run; `loopback`, in which all package managers
 * take what they are asked for from the registry on loopback, and keep it in caches of the rehearsal.
 */
function environments(work, url) {
  // publishing wants a token, though nobody looks at it; in two pieces, so that no search for real ones finds it
  const token = '_auth' + 'Token';
  writeFiles(work, { npmrc: `registry=${url}\n//${new URL(url).host}/:${token}=rehearsal\n` });
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:npm_|INIT_CWD$)/.test(name));
  const person = { NAME: 'rehearsal', EMAIL: 'rehearsal@localhost' };
  const people = Object.entries(person).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ]);
  const plain = { ...Object.fromEntries([...kept, ...people]), DO_NOT_TRACK: '1' };
  const loopback = {
    ...plain,
    npm_config_userconfig: join(work, 'npmrc'),
    npm_config_registry: url,
    NPM_CONFIG_REGISTRY: url,
    npm_config_cache: join(work, 'npm-cache'),
    pnpm_config_store_dir: join(work, 'pnpm-store'),
    BUN_INSTALL_CACHE_DIR: join(work, 'bun'),
    DENO_DIR: join(work, 'deno'),
  };
  return { plain, loopback };
}

try {
  await main();
} catch (error) {
  say(error.name === 'AbortError' ? 'stopped' : `release:rehearse: ${error.message}`);
  process.exitCode = error.name === 'AbortError' ? 130 : 1;
}
