import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { files, manifestIn, packages, root, type Exports } from './workspace.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const tracked = files().filter((file) => existsSync(join(root, file)));

/** What a module imports: the specifiers of import and re-export statements, and of `import()` with a literal. */
function importsOf(source: string): string[] {
  const statements = /^(?:import|export)\b(?:[^'"`;=]*?\bfrom\b)?\s*(['"])([^'"\n]+)\1/gm;
  const calls = /\bimport\(\s*(['"])([^'"\n]+)\1/g;
  return [...source.matchAll(statements), ...source.matchAll(calls)].map((match) => match[2]!);
}
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
const withoutSource = (exports: Exports): Exports =>
  Object.fromEntries(
    Object.entries(exports).map(([path, target]) => {
      if (typeof target === 'string') return [path, target];
      const { '@sgd/source': _, ...rest } = target;
      return [path, rest];
    }),
  );

/** Packages that generated code is made by; others do without it. */
const ENGINES: readonly string[] = ['cpu', 'wasm', 'tfjs', 'onnxruntime', 'gpujs', 'webgpu'];

describe.each(packages)('packages/%s', (folder) => {
  const manifest = manifestIn(join(root, 'packages', folder));
  const sources = tracked.filter((file) => file.startsWith(`packages/${folder}/src/`) && /\.tsx?$/.test(file));
  const needed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const isOptional = (name: string): boolean => manifest.peerDependenciesMeta?.[name]?.optional === true;

  it('depends on no other package of the workspace than core, and an engine on its compiler', () => {
    const own = needed.filter((name) => name.startsWith('@sgd/') && !isOptional(name));
    const compiler = ENGINES.includes(folder) ? '@sgd/compile' : '';
    expect(own.filter((name) => name !== compiler)).toEqual(folder === 'core' ? [] : ['@sgd/core']);
    // what chooses among engines knows them by name, and needs none
    const optional = needed.filter((name) => name.startsWith('@sgd/') && isOptional(name));
    expect(optional.length > 0).toBe(folder === 'auto');
    expect(folder === 'core' ? needed : []).toEqual([]);
  });

  it('imports only itself and what it depends on', () => {
    expect(sources.length).toBeGreaterThan(0);
    const strange: string[] = [];
    for (const file of sources) {
      for (const specifier of importsOf(read(file))) {
        const inside = specifier.startsWith('.')
          ? join(file, '..', specifier).startsWith(`packages/${folder}/src/`)
          : needed.includes(packageOf(specifier)) ||
            Object.hasOwn(manifest.imports ?? {}, specifier) ||
            (specifier.startsWith('node:') && manifest.devDependencies?.['@types/node'] !== undefined);
        if (!inside) strange.push(`${file}: ${specifier}`);
      }
    }
    expect(strange).toEqual([]);
  });

  it('publishes what the workspace uses, without the condition that leads to the sources', () => {
    expect(manifest.publishConfig?.access).toBe('public');
    expect(manifest.publishConfig?.exports).toEqual(withoutSource(manifest.exports ?? {}));
    expect(manifest.repository).toMatchObject({ directory: `packages/${folder}` });
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'src']));
  });

  it('has a README that starts with its name, and the licence', () => {
    expect(read(`packages/${folder}/README.md`)).toMatch(new RegExp(`^# \`?${manifest.name}\`?\n`));
    expect(manifest.license).toBe('Apache-2.0');
    expect(read(`packages/${folder}/LICENSE`)).toBe(read('LICENSE'));
  });
});

describe.each(['core', 'compile', 'cpu', 'wasm', 'onnxruntime', 'gpujs', 'webgpu'])('packages/%s', (folder) => {
  it('is compiled without the types of Node and the DOM', () => {
    const { compilerOptions } = JSON.parse(read(`packages/${folder}/tsconfig.build.json`)) as {
      compilerOptions: Record<string, unknown>;
    };
    expect(Object.keys(compilerOptions)).toEqual(['rootDir', 'outDir']);
    expect(JSON.parse(read('tsconfig.base.json'))).toMatchObject({ compilerOptions: { lib: ['ES2023'], types: [] } });
  });
});

describe('the repository', () => {
  it('has a lockfile that no registry is named in', () => {
    const lockfile = read('pnpm-lock.yaml');
    expect(lockfile).toContain("'@types/node'");
    expect(lockfile.match(/.*(?:https?:|registry|tarball:).*/gi)).toBeNull();
  });

  it('leaves out what gpu.js depends on and never uses', () => {
    const lockfile = read('pnpm-lock.yaml');
    expect(lockfile).toContain('\n  gpu.js@');
    expect(lockfile.match(/^ {2}(?:webgpu|gl)@.*/gm)).toBeNull();
  });

  it('names no registry host and no folder outside of it', () => {
    // in pieces, so that this file is not found itself
    const unwanted = new RegExp(
      [
        String.raw`\bregistry\.[a-z0-9-]+\.[a-z]+`,
        String.raw`(?:npm|yarn)[a-z]*\.(?:pkg|jfrog|cloud)\.`,
        String.raw`_auth` + 'Token',
        String.raw`\.\.\/` + 'shared\\b',
        String.raw`(?<![\w.\/])\/` + String.raw`(?:work|root|home|tmp)\/`,
      ].join('|'),
    );
    const text = tracked.filter((file) => !/\.(?:png|jpe?g|gif|ico|wasm|npy|npz|bin|gz|woff2?)$/.test(file));
    const found = text
      .filter((file) => file !== 'LICENSE')
      .flatMap((file) =>
        read(file)
          .split('\n')
          .flatMap((line, i) => (unwanted.test(line) ? [`${file}:${i + 1}: ${line.trim().slice(0, 120)}`] : [])),
      );
    expect(text.length).toBeGreaterThan(20);
    expect(found).toEqual([]);
  });

  it('keeps what it needs at the top', () => {
    for (const file of ['README.md', 'CONTRIBUTING.md', 'LICENSE', '.ci/run', '.changeset/config.json'])
      expect(existsSync(join(root, file)), file).toBe(true);
  });
});
