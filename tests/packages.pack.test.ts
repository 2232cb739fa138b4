import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build } from 'vite';
import { afterAll, describe, expect, it } from 'vitest';
import { pack, unpack } from './packed.ts';
import { manifestIn, packages, root } from './workspace.ts';

// What is published, as a stranger gets it: packed by pnpm, unpacked into a project outside of the workspace.
const work = mkdtempSync(join(tmpdir(), 'sgd-pack-'));
const consumer = join(work, 'consumer');
afterAll(() => rmSync(work, { recursive: true, force: true }));

const tarballs = pack(packages, work);
unpack(tarballs, consumer);
writeFileSync(join(consumer, 'package.json'), '{ "private": true, "type": "module" }');

const write = (file: string, text: string): string => {
  writeFileSync(join(consumer, file), text);
  return file;
};
/** What a command in the project prints; an error holds all that it printed. */
function run(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: consumer, encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

describe.each([...tarballs])('%s, packed', (folder, file) => {
  const tarball = readFileSync(file);
  const unpacked = join(consumer, 'node_modules', manifestIn(join(root, 'packages', folder)).name);

  it('passes publint --strict', async () => {
    const data = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: data }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('has types that resolve as its code does (attw, profile esm-only)', async () => {
    const result = await checkPackage(createPackageFromTarballData(tarball));
    const problems = result.types
      ? result.problems.filter((p) => !('resolutionKind' in p && ['node10', 'node16-cjs'].includes(p.resolutionKind)))
      : ['no types'];
    expect(problems).toEqual([]);
  });

  it('holds the licence, the README, code and sources, and nothing of the workspace', () => {
    const files = readdirSync(unpacked, { recursive: true }).map(String);
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist', 'src']));
    expect(files.filter((file) => /\.test\.|tsbuildinfo|^test|^node_modules/.test(file))).toEqual([]);
    const manifest = readFileSync(join(unpacked, 'package.json'), 'utf8');
    expect(manifest).not.toMatch(/workspace:|catalog:|@sgd\/source/);
  });

  it('has declarations that TypeScript before 5.7 reads too', () => {
    const declarations = readdirSync(join(unpacked, 'dist'), { recursive: true })
      .map(String)
      .filter((file) => file.endsWith('.d.ts'));
    expect(declarations.length).toBeGreaterThan(0);
    // typed arrays took a type parameter in 5.7
    const generic = /\b(?:Float32|Float64|Int32|Uint8|Uint32|BigUint64)Array</;
    expect(declarations.filter((f) => generic.test(readFileSync(join(unpacked, 'dist', f), 'utf8')))).toEqual([]);
  });
});

const use = `
import { SGD, SgdError, CosineDecay, LossScaleOptimizer, deserialize, serialize } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import { conformance } from '@sgd/conformance';

const weights = new Float32Array([1, 2]);
const optimizer = new SGD({ learningRate: 0.5, momentum: 0.5 }, cpu());
optimizer.build({ weights });
const done = optimizer.apply({ weights: new Float32Array([1, -1]) });
optimizer.apply({ weights: new Float32Array([1, -1]) });

const schedule = new CosineDecay({ initialLearningRate: 0.5, decaySteps: 100 });
const again = deserialize(serialize(new SGD({ learningRate: schedule }, cpu())), cpu());
const scaled = new LossScaleOptimizer(new SGD({}, cpu()));
let code = '';
try {
  new SGD({ momentum: 2 }, cpu());
} catch (error) {
  if (error instanceof SgdError) code = error.code;
}
wasm().then((engine) => {
  const tensor = engine.from([1, 2]);
  const fast = new SGD({ learningRate: 0.5, momentum: 0.5 }, engine);
  fast.build({ tensor });
  fast.apply({ tensor: new Float32Array([1, -1]) });
  console.log(JSON.stringify([...tensor.data]));
});
console.log(JSON.stringify([done, [...weights], optimizer.iterations, again !== null, scaled.built, code, typeof conformance]));
`;
// momentum: -0.5, then 0.5 * -0.5 - 0.5 = -0.75
const printed = '[true,[-0.25,3.25],2,true,false,"SGD_INVALID_OPTION","function"]\n[0.5,2.5]\n';

// every module that a package exports; patterns are for data
const entries = packages.flatMap((folder) => {
  const { name, exports = {} } = manifestIn(join(root, 'packages', folder));
  return Object.keys(exports)
    .filter((path) => !path.includes('*') && !path.endsWith('.json'))
    .map((path) => `${name}${path.slice(1)}`);
});

describe('a project outside of the workspace', () => {
  it('imports the packages as modules', () => {
    expect(run([write('use.mjs', use)])).toBe(printed);
  });

  it('requires them', () => {
    const required = use.replaceAll(/import (\{.*\}) from ('.*');/g, 'const $1 = require($2);');
    expect(required).not.toContain('import');
    expect(run(['--no-warnings', write('use.cjs', required)])).toBe(printed);
  });

  it.each(entries)('finds %s', (entry) => {
    const list = write('names.mjs', `import * as all from '${entry}'; console.log(Object.keys(all).length > 0);`);
    expect(run([list])).toBe('true\n');
  });

  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('type-checks with module %s, resolution %s, and the libraries checked', (module, moduleResolution) => {
    const typed = `${use}
import { onnxruntime, type Ort, trainingSession } from '@sgd/onnxruntime';
declare const ort: Ort;
export const engine = new SGD({}, onnxruntime({ ort }));
export const trained = trainingSession({ ort, model: new Uint8Array(), parameters: ['w'], loss: 'loss', optimizer: { momentum: 0.9 } });
// @ts-expect-error: an asynchronous engine returns a promise
const at_once: boolean = engine.apply([]);
export { at_once };
const flag: boolean = done;
const kept: readonly unknown[] = optimizer.trainableVariables;
// @ts-expect-error: a synchronous engine returns no promise
optimizer.apply([]).then;
// @ts-expect-error: no such option
new SGD({ learning_rate: 1 }, cpu());
export { flag, kept };
`;
    write('use.mts', typed);
    const options = { module, moduleResolution, target: 'es2022', lib: ['es2023'], types: [], strict: true };
    // console is no part of ES2023
    write('globals.d.ts', 'declare const console: { log(text: string): void };');
    write(
      'tsconfig.json',
      JSON.stringify({
        compilerOptions: { ...options, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
        files: ['use.mts', 'globals.d.ts'],
      }),
    );
    expect(run([join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'])).toBe('');
  });

  it('type-checks the drop-in optimizers of @sgd/tfjs, with the libraries of tfjs unchecked as everywhere', () => {
    write(
      'tfjs.mts',
      `import { SGD, tfjs } from '@sgd/tfjs';
import { defineSGD } from '@sgd/tfjs/define';
import { SGD as CoreSGD } from '@sgd/core';
import * as tf from '@tensorflow/tfjs-core';
const optimizer: tf.Optimizer = new SGD({ learningRate: 0.1 });
const { LossScaleOptimizer } = defineSGD(tf);
const cost: tf.Scalar | null = new LossScaleOptimizer(new SGD()).minimize(() => tf.scalar(1), true);
const taken: boolean = new CoreSGD({}, tfjs()).apply([]);
// @ts-expect-error: no such option
new SGD({ learning_rate: 1 });
export { optimizer, cost, taken };
`,
    );
    const options = { module: 'nodenext', moduleResolution: 'nodenext', target: 'es2022', lib: ['es2023', 'dom'] };
    const compilerOptions = { ...options, types: [], strict: true, noEmit: true, skipLibCheck: true };
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['tfjs.mts'] }));
    expect(run([join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'])).toBe('');
  });

  it('is bundled by Vite, and the bundle runs', async () => {
    const entry = join(consumer, write('main.js', use));
    await build({
      root: consumer,
      configFile: false,
      logLevel: 'silent',
      build: { outDir: 'bundle', lib: { entry, formats: ['es'], fileName: () => 'main.js' } },
    });
    const bundle = join(consumer, 'bundle/main.js');
    expect(readFileSync(bundle, 'utf8')).not.toMatch(/\b(?:from|import|require)\s*\(?\s*["']/);
    expect(run([bundle])).toBe(printed);
  });

  it('bundles @sgd/gpujs with gpu.js by Vite, and type-checks it without the types of the DOM', async () => {
    const code = `
import { SGD } from '@sgd/core';
import { gpujs } from '@sgd/gpujs';
const optimizer = new SGD({ learningRate: 0.5, globalClipnorm: 10 }, gpujs({ mode: 'webasm' }));
optimizer.build({ w: new Float32Array([1, 2]) });
const taken = optimizer.apply({ w: new Float32Array([1, -1]) });
optimizer.read('w').then((w) => console.log(JSON.stringify([taken, Array.from(w)])));
`;
    const entry = join(consumer, write('gpu.js', code));
    await build({
      root: consumer,
      configFile: false,
      logLevel: 'silent',
      build: { outDir: 'gpu-bundle', lib: { entry, formats: ['es'], fileName: () => 'main.js' } },
    });
    expect(run([join(consumer, 'gpu-bundle/main.js')])).toBe('[true,[0.5,2.5]]\n');

    write(
      'gpu.mts',
      `${code}\n// @ts-expect-error: a synchronous engine returns no promise\noptimizer.apply([]).then;`,
    );
    write('globals.d.ts', 'declare const console: { log(text: string): void };');
    const options = { module: 'nodenext', target: 'es2022', lib: ['es2023'], types: [], strict: true };
    const compilerOptions = { ...options, noEmit: true, skipLibCheck: false };
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['gpu.mts', 'globals.d.ts'] }));
    expect(run([join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'])).toBe('');
  });
});
