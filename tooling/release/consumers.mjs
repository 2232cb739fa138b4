// Empty projects outside of the workspace, each of which installs what was published and uses it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from './browser.mjs';
import { asModule, asRequire, page, printed, program, typed } from './programs.mjs';

const ENGINES = ['@sgd/core', '@sgd/cpu', '@sgd/wasm'];
const root = fileURLToPath(new URL('../../', import.meta.url));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Fails unless the program printed what it prints everywhere. */
function want(output, expected = printed) {
  if (output.trim() !== expected) throw new Error(`printed ${output.trim()}\nexpected ${expected}`);
}

const node = [
  {
    name: 'npm, Node, import',
    async use({ npm, write, node }) {
      await npm(...ENGINES);
      write({ 'use.mjs': asModule });
      want(await node('use.mjs'));
    },
  },
  {
    name: 'npm, Node, require',
    async use({ npm, write, node }) {
      await npm(...ENGINES);
      write({ 'use.cjs': asRequire });
      want(await node('--no-warnings', 'use.cjs'));
    },
  },
  {
    name: 'pnpm, Node, import',
    async use({ pnpm, write, node }) {
      await pnpm(...ENGINES);
      write({ 'use.mjs': asModule });
      want(await node('use.mjs'));
    },
  },
  ...['22', '24'].map((version) => ({
    name: `npm, Node ${version}, import and require`,
    async use({ npm, write, npx }) {
      await npm(...ENGINES);
      write({ 'use.mjs': asModule, 'use.cjs': asRequire });
      want(await npx(`node@${version}`, 'use.mjs'));
      want(await npx(`node@${version}`, '--no-warnings', 'use.cjs'));
    },
  })),
  {
    name: 'npm, a worker thread of Node',
    async use({ npm, write, node }) {
      await npm(...ENGINES);
      const start = `import { Worker } from 'node:worker_threads';
new Worker(new URL('use.mjs', import.meta.url)).on('error', (error) => { throw error; });`;
      write({ 'use.mjs': asModule, 'start.mjs': start });
      want(await node('start.mjs'));
    },
  },
];

const doctor = [
  {
    name: 'npx @sgd/auto, in an empty folder',
    async use({ npx }) {
      const help = await npx('@sgd/auto', '--help');
      if (!help.startsWith('npx @sgd/auto [options]\n')) throw new Error(`printed ${help}`);
    },
  },
  {
    name: 'npx @sgd/auto, beside two engines',
    async use({ npm, npx }) {
      await npm(...ENGINES);
      const { packages, reports } = JSON.parse(await npx('@sgd/auto', '--json'));
      const [host, ...others] = reports.map(({ chosen }) => chosen);
      want([packages['@sgd/tfjs'], host !== null, ...others].join(), [null, true, null, null, null].join());
    },
  },
  {
    name: 'npx @sgd/auto, installed with two engines',
    async use({ npm, run }) {
      await npm('@sgd/auto', ...ENGINES);
      for (const bin of ['@sgd/auto', 'sgd-doctor']) {
        const { reports } = JSON.parse(await run('npx', [bin, '--json', '--no-timing']));
        want(String(reports[0].chosen !== null), 'true');
      }
    },
  },
];

/** The first thing that someone new pastes: a page's command and program, as plain JavaScript, and what the page says that it prints. */
const pasted = ['README.md', 'docs/start.md'].map((page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = /^```sh\nnpm i (.+)\n```$[^]*?^```js\n([^]+?)\n```$[^]*?^```text\n([^]+?)\n```$/m.exec(text);
  const [, names, code, prints] = blocks;
  return {
    name: `${page}, its first program as plain JavaScript`,
    async use({ npm, write, node }) {
      await npm(...names.split(' '));
      write({ 'fit.mjs': code });
      want(await node('fit.mjs'), prints);
    },
  };
});

const runtimes = [
  {
    name: 'Bun, installed and run by it',
    async use({ npx, write }) {
      await npx('bun@1', 'add', ...ENGINES);
      write({ 'use.mjs': asModule });
      want(await npx('bun@1', 'run', 'use.mjs'));
    },
  },
  {
    name: 'Deno, installed and run by it',
    async use({ npx, write }) {
      // by default it takes nothing that was published within a day
      await npx('deno@2', 'add', '--minimum-dependency-age=0', ...ENGINES.map((name) => `npm:${name}`));
      write({ 'use.mjs': asModule });
      want(await npx('deno@2', 'run', 'use.mjs'));
    },
  },
  {
    name: 'a VM of an edge runtime',
    async use({ npm, write, node, run }) {
      await npm(...ENGINES, '@edge-runtime/vm@5', 'esbuild');
      const start = `import { readFileSync } from 'node:fs';
import { EdgeVM } from '@edge-runtime/vm';
console.log(await new EdgeVM().evaluate(readFileSync('bundle.js', 'utf8') + ';all.main()'));`;
      write({ 'program.js': program, 'start.mjs': start });
      const flags = ['--bundle', '--format=iife', '--global-name=all', '--outfile=bundle.js', '--log-level=error'];
      await run('npx', ['esbuild', 'program.js', ...flags]);
      want(await node('start.mjs'));
    },
  },
];

const types = ['5.4', '5.9', '6', '7'].map((version) => ({
  name: `TypeScript ${version}, nodenext and bundler`,
  async use({ npm, write, node }) {
    await npm(...ENGINES, '@sgd/auto', '@sgd/onnxruntime', '@sgd/conformance', `typescript@${version}`);
    write({ 'use.mts': typed });
    for (const [module, moduleResolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ]) {
      const options = { module, moduleResolution, target: 'es2022', lib: ['es2022', 'esnext.disposable'], types: [] };
      const compilerOptions = { ...options, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
      write({ 'tsconfig.json': { compilerOptions: { ...compilerOptions, noEmit: true }, files: ['use.mts'] } });
      want(await node('node_modules/typescript/bin/tsc', '-p', '.'), '');
    }
  },
}));

const plugins = [
  {
    name: 'npm create sgd-backend, and what it says first',
    async use({ run, folder }) {
      const created = await run('npm', ['create', '--yes', 'sgd-backend', 'my-backend', '--', '--yes']);
      if (!created.includes('npm run next')) throw new Error(`printed ${created}`);
      // not --prefix: with it npm leaves out what the machine's own npmrc says, of certificates for one
      const project = { cwd: join(folder, 'my-backend') };
      await run('npm', ['install', '--no-audit', '--no-fund'], project);
      await run('npm', ['run', 'typecheck'], project);
      const { message } = await run('npm', ['run', 'next'], project).then(
        () => ({ message: 'a backend that does nothing passes' }),
        (error) => error,
      );
      if (!message.includes('to do in src/backend.ts')) throw new Error(message);
    },
  },
];

const bundlers = [
  {
    name: 'Vite, a page and its worker in Chromium',
    async use({ npm, write, run, folder, skip, signal }) {
      await npm(...ENGINES, `vite@${devDependencies.vite}`);
      write({ ...page, 'vite.config.js': `export default { base: './', worker: { format: 'es' } };` });
      await run('npx', ['vite', 'build', '--logLevel', 'error']);
      const title = await open(join(folder, 'dist'), signal);
      if (title === null) return skip('built; no Chromium to open it in (CHROME_PATH)');
      want(title);
    },
  },
];

/** The first example of each README, with exactly what the line above it installs; the strict layout of pnpm hides what is not asked for. */
export const readmes = (packages) =>
  packages.flatMap(({ name, readme }) => {
    const command = /^npm i(?:nstall)? (.+?)(?:\s+#.*)?$/m.exec(readme)?.[1];
    const [, language, code] = /^```(ts|js)\b[^\n]*\n([\s\S]*?)\n```$/m.exec(readme) ?? [];
    if (!command || !code) return [];
    return {
      name: `${name}: its README`,
      async use({ pnpm, write, npx, node }) {
        const wanted = command.split(/\s+/).filter((word) => !word.startsWith('-'));
        await pnpm(...new Set([...wanted, name]));
        // a file of tests: Node has a runner of its own
        const tests = code.includes("from 'vitest'");
        const file = `example.${language === 'ts' ? 'mts' : 'mjs'}`;
        write({ [file]: tests ? code.replace("from 'vitest'", "from 'node:test'") : code });
        if (language === 'js') await node(file);
        else await npx('node@24', ...(tests ? ['--test'] : []), file);
      },
    };
  });

export const consumers = [...pasted, ...node, ...doctor, ...runtimes, ...types, ...plugins, ...bundlers];
