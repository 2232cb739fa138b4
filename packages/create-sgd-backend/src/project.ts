import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Choices, identifierOf } from './choices.ts';
import { UsageError } from './flags.ts';

const template = fileURLToPath(new URL('../template/', import.meta.url));

/** The versions that a new project gets are those that this package was made with. */
function versions(): Record<string, string> {
  const own = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(own, 'utf8')) as { devDependencies: Record<string, string> }).devDependencies;
}

/**
 * Makes the project.
 *
 * @throws UsageError the folder has something in it, or is a file; nothing was written then
 */
export function makeProject(choices: Choices): void {
  const { folder } = choices;
  if (existsSync(folder) && entriesOf(folder).length > 0)
    throw new UsageError(`${folder}: expected an empty folder, found ${entriesOf(folder)[0]} in it`);
  mkdirSync(folder, { recursive: true });
  cpSync(template, folder, { recursive: true });
  renameSync(join(folder, '_gitignore'), join(folder, '.gitignore')); // npm leaves files of the true name out of packages
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    writeFileSync(path, filledIn(readFileSync(path, 'utf8'), choices));
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(choices), null, 2)}\n`);
}

/** A folder of git's alone counts as empty. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name !== '.git');
  } catch {
    throw new UsageError(`${folder}: expected a folder, found a file`);
  }
}

/** The template is a synchronous backend called `my-backend`; async calls carry a mark. */
function filledIn(text: string, { name, mode, engine }: Choices): string {
  const isAsync = mode === 'async';
  return text
    .replaceAll('/* async */ ', isAsync ? 'async ' : '')
    .replaceAll('/* await */ ', isAsync ? 'await ' : '')
    .replaceAll("'sync'", `'${mode}'`)
    .replaceAll('npm i @sgd/core my-backend', `npm i @sgd/core my-backend${engine ? ` ${engine.name}` : ''}`)
    .replaceAll('my-backend', name)
    .replaceAll('myBackend', identifierOf(name));
}

function manifest({ name, engine }: Choices): object {
  const { '@sgd/core': core, '@sgd/conformance': conformance, typescript, vitest } = versions();
  const peer = engine && { [engine.name]: engine.range };
  const entry = (module: string): object => ({ types: `./dist/${module}.d.ts`, default: `./dist/${module}.js` });
  return {
    name,
    version: '0.0.0',
    description: `${engine ? engine.name : name} as an engine for @sgd/core`,
    keywords: ['sgd', 'sgd-backend', 'optimizer'],
    files: ['dist', 'src', 'CHANGELOG.md'],
    type: 'module',
    sideEffects: false,
    exports: { '.': entry('index'), './conformance': entry('conformance') },
    scripts: {
      build: 'tsc -p tsconfig.build.json',
      typecheck: 'tsc -p tsconfig.json',
      test: 'vitest run',
      next: 'vitest run --bail 1',
      conformance: 'npm run build && sgd-conformance --backend ./dist/conformance.js',
      prepublishOnly: 'npm run typecheck && npm test && npm run build',
    },
    dependencies: { '@sgd/core': core },
    ...(peer && { peerDependencies: peer }),
    devDependencies: { '@sgd/conformance': conformance, ...peer, typescript, vitest },
    engines: { node: '>=20.19' },
  };
}
