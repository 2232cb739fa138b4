import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { emptyWithEngines, problemsIn } from '../../../tests/programs.ts';
import { root } from '../../../tests/workspace.ts';
import { BACKENDS } from '../src/settings/backends.ts';
import { type RunSettings, SCHEDULES } from '../src/settings/model.ts';
import { snippetOf } from '../src/settings/snippet.ts';
import { run, training } from './settings.ts';

const folder = join(root, '.test-results/playground');
const short = training({ model: 'softmax', limit: 512, epochs: 1 });
const STEPS = 8;

/** For each backend that Node has, other options: each option is in one of them. */
const PROGRAMS: Readonly<Record<string, Partial<RunSettings>>> = {
  cpu: {
    excludeBiases: true,
    clip: 'globalClipnorm',
    useEma: true,
    emaOverwriteFrequency: 3,
    warmupTarget: 0.3,
    alpha: 0.1,
  },
  wasm: { schedule: 'CosineDecayRestarts', tMul: 1.5, mMul: 0.5, clip: 'clipnorm', nonFinite: 'skip', outputRate: 0.5 },
  'tfjs:cpu': { schedule: 'ExponentialDecay', staircase: true, lossScale: 'static', momentum: 0, weightDecay: null },
  'tfjs:wasm': { schedule: 'InverseTimeDecay', clip: 'clipvalue', gradientAccumulationSteps: 2, nesterov: false },
  'onnxruntime:wasm': { schedule: 'PiecewiseConstantDecay', lossScale: 'dynamic', useEma: true },
  'gpujs:cpu': { schedule: 'PolynomialDecay', power: 2, cycle: true, outputMomentum: 0.5, outputDecay: 0.01 },
  'gpujs:webasm': {
    schedule: 'constant',
    nonFinite: 'throw',
    hiddenFrozen: true,
    outputRate: 2,
    gradientAccumulationSteps: 4,
    useEma: true,
  },
};

beforeAll(() => emptyWithEngines(folder));

describe('the code to copy', () => {
  it.each(Object.entries(PROGRAMS))('runs in Node as it stands: %s', { timeout: 60_000 }, async (backend, changed) => {
    const settings = run({ backend, ...changed });
    const file = join(folder, `${backend.replace(':', '-')}.mjs`);
    writeFileSync(file, snippetOf(settings, { ...short, model: changed.hiddenFrozen ? 'mlp' : 'softmax' }).text);
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    const updates = Math.floor(STEPS / (changed.gradientAccumulationSteps ?? 1));
    expect(stdout.trim().split('\n').at(-1)).toBe(`${updates} updates`);
  });

  it(
    'is TypeScript without an error on every backend, with every schedule, for both models',
    { timeout: 60_000 },
    () => {
      const files = BACKENDS.map((backend, i) => {
        const schedule = SCHEDULES[i % SCHEDULES.length]!;
        const settings = run({ ...Object.values(PROGRAMS)[i % 7], schedule, backend });
        const file = `${backend.replace(':', '-')}.ts`;
        writeFileSync(
          join(folder, file),
          snippetOf(settings, training({ model: i % 2 === 0 ? 'mlp' : 'softmax' })).text,
        );
        return file;
      });
      expect(problemsIn(folder, files)).toBe('');
    },
  );

  it('says nothing of what is off', () => {
    const plain = run({ schedule: 'constant', momentum: 0, weightDecay: null });
    expect(snippetOf(plain, short).text).toContain('new SGD({ learningRate: 0.2 }, backend);');
  });

  it('names what is to be installed', () => {
    expect(snippetOf(run({ backend: 'tfjs:webgl' }), short).packages).toEqual([
      '@sgd/core',
      '@sgd/tfjs',
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-backend-webgl',
    ]);
  });
});
