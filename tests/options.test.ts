import { type Candidate, selectBackend, selectFrom } from '@sgd/auto';
import { conformance, runSuite, strict } from '@sgd/conformance';
import { CosineDecay, LossScaleOptimizer, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { gpujs, gpujsAsync } from '@sgd/gpujs';
import { onnxruntime, trainingSession } from '@sgd/onnxruntime';
import * as drop from '@sgd/tfjs';
import { defineSGD } from '@sgd/tfjs/define';
import { wasm } from '@sgd/wasm';
import { webgpu } from '@sgd/webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';

/** Every function of the packages that takes options, with one that is misspelt; what was meant. */
const calls: Record<string, [call: (options: never) => unknown, misspelt: object, meant: string]> = {
  SGD: [(options) => new SGD(options, cpu()), { momentm: 0.9 }, 'momentum'],
  'SGD, extras': [(extras) => new SGD({}, cpu(), extras), { nonfinite: 'skip' }, 'nonFinite'],
  cpu: [(options) => cpu(options), { jitles: true }, 'jitless'],
  LossScaleOptimizer: [(o) => new LossScaleOptimizer(new SGD({}, cpu()), o), { intialScale: 2 }, 'initialScale'],
  CosineDecay: [
    (options) => new CosineDecay(options),
    { initialLearningRate: 1, decaySteps: 2, warmup_stpes: 1 },
    'warmupSteps',
  ],
  wasm: [(options) => wasm(options), { maxmum: 1 }, 'maximum'],
  tfjs: [(options) => drop.tfjs(options), { exat: true }, 'exact'],
  'tfjs of defineSGD': [(options) => defineSGD(tf).tfjs(options), { wran: () => {} }, 'warn'],
  'SGD of tfjs': [(options) => new drop.SGD(options), { learningrate: 1 }, 'learningRate'],
  'SGD of tfjs, extras': [(extras) => new drop.SGD({}, extras), { exaxt: true }, 'exact'],
  'LossScaleOptimizer of tfjs': [
    (options) => new drop.LossScaleOptimizer(new drop.SGD(), options),
    { dynamicGrowthStep: 1 },
    'dynamicGrowthSteps',
  ],
  onnxruntime: [(options) => onnxruntime(options), { ort: {}, executionProvider: ['cpu'] }, 'executionProviders'],
  trainingSession: [(options) => trainingSession(options), { ort: {}, parametres: [] }, 'parameters'],
  gpujs: [(options) => gpujs(options), { mdoe: 'cpu' }, 'mode'],
  gpujsAsync: [(options) => gpujsAsync(options), { gpus: {} }, 'gpu'],
  webgpu: [(options) => webgpu(options), { devise: {} }, 'device'],
  selectBackend: [(options) => selectBackend(options), { prefre: 'cpu' }, 'prefer'],
  selectFrom: [(options) => selectFrom([] as Candidate[], options), { requires: 'cpu' }, 'require'],
  'selectBackend, workload': [(options) => selectBackend(options), { workload: { shape: [[2]] } }, 'shapes'],
  'selectBackend, benchmark': [(options) => selectBackend(options), { benchmark: { miliseconds: 1 } }, 'milliseconds'],
  conformance: [(options) => conformance(options), { backend: cpu(), discribe: describe, it }, 'describe'],
  runSuite: [(options) => runSuite(options), { backend: cpu(), olny: ['values'] }, 'only'],
  strict: [(options) => strict(cpu(), options), { dealy: async () => {} }, 'delay'],
};

const errorOf = async (call: () => unknown): Promise<unknown> => {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe.each(Object.entries(calls))('%s', (_, [call, misspelt, meant]) => {
  it('refuses an option that it does not know, and says which is meant', async () => {
    expect(await errorOf(() => call(misspelt as never))).toMatchObject({
      code: 'SGD_INVALID_OPTION',
      message: expect.stringMatching(new RegExp(`unknown "\\w+"; did you mean ${meant}\\?$`)) as string,
    });
  });

  it('lists the options where none is near, however long the name is', async () => {
    for (const name of ['qqqqqqqq', 'q'.repeat(1e6)]) {
      const error = (await errorOf(() => call({ [name]: 1 } as never))) as Error;
      expect(error).toMatchObject({ code: 'SGD_INVALID_OPTION' });
      expect(error.message).toMatch(/unknown "q+…?"; expected one of \w+/);
      expect(error.message.length).toBeLessThan(500);
    }
  });

  it('refuses what are no options', async () => {
    for (const none of [null, 5, 'fast', [], new Float32Array(1)])
      expect(await errorOf(() => call(none as never))).toMatchObject({ code: 'SGD_INVALID_OPTION' });
  });
});
