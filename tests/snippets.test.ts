import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { emptyWithEngines, problemsIn } from './programs.ts';
import { blocksOf, programsOf, type Block } from './snippets.ts';
import { files, manifestIn, packages, root } from './workspace.ts';

// Every example of the documentation is type-checked against the sources, and run.
const documents = files().filter(
  (file) => /^(?:[^/]+|packages\/[^/]+\/README|docs\/.+)\.md$/.test(file) && existsSync(join(root, file)),
);
const blocks = documents.flatMap((file) => blocksOf(file, readFileSync(join(root, file), 'utf8')));
const programs = programsOf(
  blocks.filter(({ language }) => ['ts', 'typescript', 'js', 'javascript'].includes(language)),
);
const left = (block: Block): string | undefined => /^(no-run|no-check)\b/.exec(block.marker)?.[1];
const at = (block: Block): string => `${block.file}:${block.line}`;

const folder = join(root, '.test-results/snippets');
const nameOf = (block: Block): string =>
  `${block.file.replaceAll(/\W+/g, '-')}-${block.line}.${block.language.startsWith('t') ? 'ts' : 'js'}`;

beforeAll(() => {
  emptyWithEngines(folder);
  for (const program of programs) writeFileSync(join(folder, nameOf(program)), program.code);
});

describe('the examples of the documentation', () => {
  it('are there, in the README and in that of each package', () => {
    for (const file of ['README.md', ...packages.map((name) => `packages/${name}/README.md`)])
      expect(programs.filter((p) => p.file === file && !left(p)).length, file).toBeGreaterThan(0);
  });

  it('are left out only with a reason, and seldom', () => {
    const marked = programs.filter((program) => program.marker !== '');
    for (const program of marked) expect(program.marker, at(program)).toMatch(/^no-(?:run|check): \S.{14,}$/);
    console.log(
      `${programs.length} examples, ${marked.length} not run${marked.map((m) => `\n  ${at(m)} ${m.marker}`).join('')}`,
    );
    expect(marked.length).toBeLessThanOrEqual(programs.length / 3);
  });

  it('type-check', { timeout: 60_000 }, () => {
    const checked = programs.filter((p) => left(p) !== 'no-check' && nameOf(p).endsWith('.ts'));
    expect(problemsIn(folder, checked.map(nameOf))).toBe('');
  });

  it.each(programs.filter((program) => !left(program)).map((program) => [at(program), program] as const))(
    '%s runs',
    { timeout: 30_000 },
    async (_, program) => {
      await expect(import(/* @vite-ignore */ pathToFileURL(join(folder, nameOf(program))).href)).resolves.toBeDefined();
    },
  );
});

describe('the commands of the documentation', () => {
  const scripts = manifestIn(root).scripts ?? {};
  // a project that a block makes has scripts of its own
  const shell = blocks.filter(
    ({ language, code }) => ['sh', 'bash', 'shell', 'console'].includes(language) && !code.includes('npm create'),
  );
  const commands = shell.flatMap((block) =>
    [...block.code.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map((match) => [
      match[1] ?? match[2]!,
      at(block),
    ]),
  );

  it('stand in the README', () => {
    expect(commands.filter(([, where]) => where!.startsWith('README.md:')).map(([name]) => name)).toEqual(
      expect.arrayContaining(['start', 'test']),
    );
  });

  it('are scripts of the workspace', () => {
    for (const [name, where] of commands) expect(Object.keys(scripts), `${where}: npm run ${name}`).toContain(name);
  });
});
