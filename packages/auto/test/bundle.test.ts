import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';
import { afterAll, expect, it } from 'vitest';
import type { SelectionReport } from '../src/index.ts';

// a project outside of the workspace, in which of all engines only @sgd/cpu and @sgd/wasm are installed
const project = mkdtempSync(join(tmpdir(), 'sgd-auto-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));
const packages = fileURLToPath(new URL('../../', import.meta.url));
mkdirSync(join(project, 'node_modules/@sgd'), { recursive: true });
for (const name of ['core', 'compile', 'cpu', 'wasm', 'auto']) {
  const target = join(project, 'node_modules/@sgd', name);
  mkdirSync(target);
  // not a link, whose own dependencies would be found beside it
  writeFileSync(join(target, 'package.json'), readFileSync(join(packages, name, 'package.json')));
  symlinkSync(join(packages, name, 'src'), join(target, 'src'), 'junction');
  symlinkSync(join(packages, name, 'src'), join(target, 'dist'), 'junction');
}

/** Builds with Vite; gives the chunks by name. */
async function chunks(code: string): Promise<Map<string, string>> {
  writeFileSync(join(project, 'main.js'), code);
  const outDir = mkdtempSync(join(project, 'out-'));
  await build({
    root: project,
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@sgd/source'], preserveSymlinks: true },
    build: {
      outDir,
      minify: true,
      lib: { entry: join(project, 'main.js'), formats: ['es'], fileName: () => 'main.js' },
    },
  });
  return new Map(readdirSync(outDir).map((file) => [join(outDir, file), readFileSync(join(outDir, file), 'utf8')]));
}

it('Vite builds it with engines missing, and the report says which', async () => {
  const built = await chunks(`import { selectBackend } from '@sgd/auto';
export const host = async () => (await selectBackend()).report;
export const gpu = () => selectBackend({ gradients: 'gpujs' });`);
  const main = [...built.keys()].find((file) => file.endsWith('main.js'))!;
  const { host, gpu } = (await import(/* @vite-ignore */ pathToFileURL(main).href)) as {
    readonly host: () => Promise<SelectionReport>;
    readonly gpu: () => Promise<unknown>;
  };
  expect(await host()).toMatchObject({ chosen: 'wasm' });
  await expect(gpu()).rejects.toThrow(/gpujs:webasm\s+not installed: npm i @sgd\/gpujs/);
});

it('a bundle that names two candidates holds no third', async () => {
  const built = await chunks(`import { cpuCandidate, selectFrom, wasmCandidate } from '@sgd/auto';
export const host = async () => (await selectFrom([wasmCandidate, cpuCandidate])).report;`);
  const text = [...built.values()].join('\n');
  expect(text).toContain('plain JavaScript, float32 and float64');
  // core names @sgd/tfjs in a message, and the figures name variants
  expect(text).not.toMatch(/@sgd\/(?:gpujs|onnxruntime)|tfjs-core|onnxruntime-/);
});
