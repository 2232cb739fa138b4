import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { LossScaleOptimizer, SGD } from '@sgd/tfjs';
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, it } from 'vitest';
import { dense, examples, saved, start } from './engines.ts';

// What a page becomes once a bundler has left out all that it does not use, by `sideEffects` and by calls that are marked pure.
const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const folder = at('.test-results/bundled');
const models: Record<string, string> = {};

/** A program as a bundler makes it of the sources; tfjs stays outside. */
async function bundle(code: string): Promise<string> {
  const entry = at('page.js');
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    external: /^@tensorflow\//,
    resolve: { conditionNames: ['@sgd/source'] },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? code : undefined),
      },
    ],
  });
  const { output } = await build.generate({ format: 'esm', minify: true });
  await build.close();
  return output[0].code;
}

/** What a page prints that loads a saved model, in a process of its own. */
async function loads(imports: string, model: string): Promise<string> {
  const code = `import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
${imports}
const { weightData, ...rest } = ${model};
const read = { ...rest, weightData: Uint8Array.from(atob(weightData), (letter) => letter.charCodeAt(0)).buffer };
loadLayersModel(tf.io.fromMemory(read)).then(
  ({ optimizer }) => console.log([optimizer.getClassName(), optimizer.iterations, optimizer.learningRate].join()),
  (error) => console.log(error.message.split('.')[0]),
);`;
  const file = `${folder}/page.mjs`;
  writeFileSync(file, await bundle(code));
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  return stdout.trim();
}

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  await start('cpu');
  const sgd = (): SGD => new SGD({ learningRate: 0.5, momentum: 0.9 });
  for (const [name, optimizer] of Object.entries({ sgd: sgd(), scaled: new LossScaleOptimizer(sgd()) })) {
    const model = dense();
    model.compile({ optimizer, loss: 'categoricalCrossentropy' });
    const { x, y } = examples();
    await model.fit(x, y, { epochs: 3, batchSize: 20, verbose: 0 });
    const { weightData, ...rest } = await saved(model);
    const bytes = Buffer.from(weightData as ArrayBuffer).toString('base64');
    models[name] = JSON.stringify({ ...rest, weightData: bytes });
  }
});

describe('a bundled page that only loads models', () => {
  it.each([
    ['registerSGD()', "import { registerSGD } from '@sgd/tfjs';\nregisterSGD();"],
    ['registerAsKerasSGD()', "import { registerAsKerasSGD } from '@sgd/tfjs';\nregisterAsKerasSGD();"],
    ['defineSGD(tf)', "import { defineSGD } from '@sgd/tfjs/define';\ndefineSGD(tf);"],
  ])('finds both classes by %s', async (_name, imports) => {
    expect(await loads(imports, models['sgd']!)).toBe('KerasSGD,3,0.5');
    expect(await loads(imports, models['scaled']!)).toBe('KerasLossScaleOptimizer,3,0.5');
  });

  it('finds one that it hands to tfjs itself', async () => {
    const imports = "import { SGD } from '@sgd/tfjs';\ntf.serialization.registerClass(SGD);";
    expect(await loads(imports, models['sgd']!)).toBe('KerasSGD,3,0.5');
  });

  it('finds none by an import that it makes no use of, which is left out', async () => {
    for (const imports of ["import { SGD } from '@sgd/tfjs';", "import '@sgd/tfjs';"])
      expect(await loads(imports, models['sgd']!)).toBe('Unknown layer: KerasSGD');
  });
});

describe('a bundled page with the engine alone', () => {
  it('holds no drop-in optimizer', async () => {
    const engine = await bundle("import { tfjs } from '@sgd/tfjs'; console.log(tfjs());");
    expect(engine).not.toMatch(/Keras|fromConfig/);
    const whole = await bundle("import { registerSGD, tfjs } from '@sgd/tfjs'; registerSGD(); console.log(tfjs());");
    expect(whole).toMatch(/KerasSGD[^]*fromConfig/);
    expect(engine.length).toBeLessThan(0.85 * whole.length);
  });
});
