import { isDeepStrictEqual } from 'node:util';
import { type FloatArray, type HostTensor, SGD, SgdError, type SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { onnxruntime, type OnnxTensor, type Ort, type OrtTensor } from '@sgd/onnxruntime';
import { beforeAll, describe, expect, it } from 'vitest';
import { CHUNK } from '../src/blocks.ts';
import { counted, hooked, loadOrt, tensorOf, type TestOrt } from './engines.ts';
import { held } from './memory.ts';

const values = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 0.37 + seed) / (1 + (i % 7)));

/** What a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<SgdError> {
  const error: unknown = await promise.then(
    () => new Error('nothing was thrown'),
    (each: unknown) => each,
  );
  if (error instanceof SgdError) return error;
  throw error;
}

describe.each(['node', 'wasm'])('on %s', (variant) => {
  let ort: TestOrt;
  beforeAll(async () => {
    ort = await loadOrt(variant);
  });
  const build = async (
    given: OnnxTensor[],
    options: SGDOptions = { learningRate: 0.5 },
  ): Promise<SGD<OnnxTensor, OnnxTensor, 'async'>> => {
    const optimizer = new SGD(options, onnxruntime({ ort }));
    await optimizer.build(given);
    return optimizer;
  };

  describe('a variable is updated in place', () => {
    it.each<[string, () => { variable: OnnxTensor; array?: FloatArray }]>([
      ['a bare array', () => ({ variable: values(3, 1) })],
      [
        'an array with a shape',
        () => {
          const data = values(3, 1);
          return { variable: { data, shape: [3, 1] }, array: data };
        },
      ],
      [
        'a view into a larger buffer',
        () => {
          const array = new Float32Array(20).subarray(7, 10);
          array.set(values(3, 1));
          return { variable: array, array };
        },
      ],
      [
        'shared memory',
        () => {
          const array = new Float32Array(new SharedArrayBuffer(12));
          array.set(values(3, 1));
          return { variable: array, array };
        },
      ],
      [
        'an ort.Tensor',
        () => {
          const variable = tensorOf(ort, values(3, 1), [1, 3]);
          return { variable, array: variable.data as FloatArray };
        },
      ],
    ])('%s', async (_name, make) => {
      const made = make();
      const { variable } = made;
      const array = made.array ?? (variable as FloatArray);
      const optimizer = await build([variable]);
      const gradient = ArrayBuffer.isView(variable)
        ? new Float32Array([2, 4, 6])
        : tensorOf(ort, [2, 4, 6], (variable as HostTensor).shape ?? (variable as OrtTensor).dims);
      await optimizer.apply([gradient]);
      expect(array).toEqual(values(3, 1).map((x, i) => x - [1, 2, 3][i]!));
      expect(optimizer.trainableVariables[0]).toBe(variable);
      await optimizer.dispose();
    });
  });

  it.each<[string, SGDOptions]>([
    ['momentum', { learningRate: 0.1, momentum: 0.9 }],
    ['nesterov and decay', { learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }],
    ['an average', { learningRate: 0.1, momentum: 0.9, useEma: true, emaOverwriteFrequency: 2 }],
    [
      'accumulation and scaling',
      { learningRate: 0.1, gradientAccumulationSteps: 2, lossScaleFactor: 7, clipvalue: 0.1 },
    ],
  ])('%s: the bits of @sgd/cpu, whatever the sizes and whoever is given', async (_name, options) => {
    // alone, together, in several pieces, at their borders
    const sizes = [5, 20_000, CHUNK, CHUNK + 3, 16_383, 16_384, 1, 0, 130_000, 7];
    const extras = { groups: [{ paths: ['variable_3', 'variable_6'], learningRateMultiplier: 3 }] };
    const here = sizes.map((n, i) => values(n, i));
    const there = sizes.map((n, i) => values(n, i));
    const one = new SGD(options, onnxruntime({ ort }), { ...extras, onWarning: () => {} });
    const other = new SGD(options, cpu(), { ...extras, onWarning: () => {} });
    for (const optimizer of [one, other]) optimizer.excludeFromWeightDecay({ names: ['_8$'] });
    await one.build(here);
    other.build(there);
    for (let step = 0; step < 4; step++) {
      const gradients = sizes.map((n, i) => ((step + i) % 3 === 2 ? null : values(n, 100 * step + i)));
      await one.apply(gradients);
      other.apply(gradients);
    }
    here.forEach((array, i) =>
      expect(
        array.every((x, k) => x === there[i]![k]),
        `variable ${i}`,
      ).toBe(true),
    );
    await one.dispose();
  });

  describe('a run that fails changes nothing, and the next step is as if it had not been:', () => {
    const everything = { momentum: 0.9, nesterov: true, weightDecay: 0.01, useEma: true, emaOverwriteFrequency: 2 };
    it.each<[string, SGDOptions]>([
      ['momentum', { learningRate: 0.1, momentum: 0.9 }],
      ['a norm of each', { ...everything, learningRate: 0.1, clipnorm: 0.5 }],
      ['all together', { ...everything, learningRate: 0.1, globalClipnorm: 1, gradientAccumulationSteps: 2 }],
    ])('%s', async (_name, options) => {
      // in two pieces; together; overwritten by its gradient
      const sizes = [CHUNK + 3, 5, 7, 4];
      let [runs, bad] = [0, -1];
      const broken = hooked(ort, (run) => {
        runs++;
        if (run === bad) throw new Error('no more');
      });
      let constrained = 0;
      const extras = { measure: ['gradient-norm', 'update-norm'] as const, nonFinite: 'skip' as const };
      const open = async (module: Ort): Promise<SGD<OnnxTensor, OnnxTensor, 'async'>> => {
        const optimizer = new SGD<OnnxTensor, OnnxTensor, 'async'>(options, onnxruntime({ ort: module }), {
          ...extras,
          onWarning: () => {},
        });
        const constraint = (): void => void constrained++;
        await optimizer.build(
          sizes.map((n, i) => values(n, i)),
          { overwriteWithGradient: ['variable_3'], constraints: { variable_1: constraint } },
        );
        return optimizer;
      };
      const [one, other] = [await open(broken), await open(ort)];
      const all = async (optimizer: typeof one): Promise<unknown[]> => [
        (await optimizer.getState()).iterations,
        await optimizer.measured(),
        ...Object.values((await optimizer.getState()).slots).flatMap((slots) => Object.values(slots)),
        ...Object.values(await optimizer.readAll()),
      ];
      const differing = (a: unknown[], b: unknown[]): number[] =>
        a.flatMap((each, i) => (isDeepStrictEqual(each, b[i]) ? [] : [i]));
      for (let step = 0; step < 4; step++) {
        const gradients = sizes.map((n, i) => (step === 2 && i === 1 ? null : values(n, 10 * step + i)));
        const [before, calls] = [await all(one), constrained];
        // each of its runs fails once, until none is left to fail
        const errors: unknown[] = [];
        const changed: number[] = [];
        let error: unknown;
        do {
          bad = runs + errors.length;
          error = await one.apply(gradients).catch((each: unknown) => each);
          if (error === true) continue;
          errors.push(error);
          changed.push(...differing(await all(one), before));
        } while (error !== true);
        for (const each of errors) expect(each).toMatchObject({ code: 'SGD_BACKEND', cause: { message: 'no more' } });
        expect(errors.length).toBeGreaterThan(1);
        expect(changed).toEqual([]);
        expect(constrained - calls).toBe(gradients[1] ? 1 : 0);
        await other.apply(gradients);
        expect(differing(await all(one), await all(other))).toEqual([]);
      }
      for (const each of [one, other]) await each.dispose();
    });

    it('memory that is detached during a run', async () => {
      const [v, w] = [values(4, 1), values(CHUNK, 2)];
      const broken = hooked(ort, () => void structuredClone(w.buffer, { transfer: [w.buffer as ArrayBuffer] }));
      const optimizer = new SGD({ learningRate: 0.5 }, onnxruntime({ ort: broken }));
      await optimizer.build([v, w]);
      const { code, message } = await failure(optimizer.apply([values(4, 3), null]));
      expect([code, message]).toEqual(['SGD_DETACHED', expect.stringContaining('"variable_1"')]);
      expect(v).toEqual(values(4, 1));
      await optimizer.dispose();
    });
  });

  it('a session is shared, and released once, by the last who uses it', async () => {
    const { ort: noted, live, log } = counted(ort);
    const backend = onnxruntime({ ort: noted });
    const options = { momentum: 0.9, globalClipnorm: 1, useEma: true };
    const [one, other] = [new SGD(options, backend), new SGD(options, backend)];
    await Promise.all([one.build([values(3, 1)]), other.build([values(300, 1)])]);
    expect(live()).toBe(3);
    await one.dispose();
    await one.dispose();
    expect(live()).toBe(3);
    await other.apply([values(300, 2)]);
    await other.dispose();
    expect(live()).toBe(0);
    expect(new Set(log).size).toBe(log.length);
  });

  it('a session that can not be made leaves nothing behind', async () => {
    const { ort: noted, live } = counted(ort);
    let allowed = 2;
    const failing = {
      ...noted,
      InferenceSession: {
        create: async (...args: Parameters<typeof noted.InferenceSession.create>) => {
          if (allowed-- <= 0) throw new Error('no more');
          return noted.InferenceSession.create(...args);
        },
      },
    };
    const backend = onnxruntime({ ort: failing });
    const optimizer = new SGD({ momentum: 0.9, globalClipnorm: 1, useEma: true }, backend);
    const w = values(3, 1);
    expect((await failure(optimizer.build([w]))).code).toBe('SGD_BACKEND');
    expect(live()).toBe(0);
    allowed = 9;
    await optimizer.build([w]);
    expect(await optimizer.apply([values(3, 2)])).toBe(true);
    await optimizer.dispose();
    expect(live()).toBe(0);
  });

  it('jobs and steps take turns', async () => {
    const backend = onnxruntime({ ort });
    const optimizer = new SGD({ learningRate: 1 }, backend);
    const w = new Float32Array([0]);
    await optimizer.build([w]);
    const seen: string[] = [];
    const job = (name: string, turns: number) => async (): Promise<string> => {
      seen.push(`${name} begins at ${w[0]}`);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
      seen.push(`${name} ends at ${w[0]}`);
      return name;
    };
    const failing = onnxruntime({ ort }).enqueue(() => Promise.reject(new RangeError('mine')));
    const all = [
      backend.enqueue(job('first', 4)),
      optimizer.apply([new Float32Array([1])]),
      onnxruntime({ ort }).enqueue(job('second', 0)),
    ];
    await expect(failing).rejects.toThrow(RangeError);
    expect(await Promise.all(all)).toEqual(['first', true, 'second']);
    expect(seen).toEqual(['first begins at 0', 'first ends at 0', 'second begins at -1', 'second ends at -1']);
    await optimizer.dispose();
  });

  it('groups with and without nesterov are refused', async () => {
    const groups = [{ paths: ['b'], nesterov: true }];
    const optimizer = new SGD({ momentum: 0.5 }, onnxruntime({ ort }), { groups });
    const error = await failure(optimizer.build({ a: values(3, 1), b: values(3, 2) }));
    expect(error).toMatchObject({ code: 'SGD_UNSUPPORTED', message: expect.stringContaining('the same nesterov') });
  });

  describe('is refused, before anything is written:', () => {
    it('a provider that this build lacks, by name', async () => {
      for (const provider of ['no-such-provider', variant === 'node' ? 'cuda' : 'webnn']) {
        const optimizer = new SGD({}, onnxruntime({ ort, executionProviders: [provider] }));
        const { code, message, cause } = await failure(optimizer.build([values(3, 1)]));
        expect(code).toBe('SGD_BACKEND');
        expect(message).toContain(provider);
        expect(cause).toBeDefined();
      }
    });

    it('a device without webgpu', () => {
      const device = {} as never;
      const make = (): unknown => onnxruntime({ ort, executionProviders: ['cpu'], device });
      expect(make).toThrow(expect.objectContaining({ code: 'SGD_INVALID_OPTION' }));
      expect(make).toThrow(/device/);
    });

    it('a worker that would detach the arrays', async () => {
      const env = { wasm: { proxy: true } };
      const optimizer = new SGD({}, onnxruntime({ ort: { ...ort, env } }));
      const { code, message } = await failure(optimizer.build([values(3, 1)]));
      expect(code).toBe('SGD_UNSUPPORTED');
      expect(message).toContain('env.wasm.proxy');
    });

    it('variables that overlap', async () => {
      const memory = new Float32Array(8);
      const { code, message } = await failure(build([memory.subarray(0, 5), memory.subarray(4, 8)]));
      expect(code).toBe('SGD_INVALID_OPTION');
      expect(message).toContain('"variable_1"');
    });

    it.each<[string, (w: Float32Array) => OnnxTensor]>([
      ['another length', () => new Float32Array(3)],
      ['another type', () => new Float64Array(4)],
      ['a tensor of another type', () => new ort.Tensor('float64', new Float64Array(4), [4])],
      ['a tensor of another shape', () => tensorOf(ort, [1, 2, 3, 4], [2, 2])],
      [
        'a tensor elsewhere',
        () => ({ location: 'gpu-buffer', type: 'float32', dims: [4], dispose() {} }) as unknown as OrtTensor,
      ],
      ['an object without a prototype', () => Object.create(null) as OrtTensor],
      ['memory of the variable', (w) => w.subarray()],
    ])('a gradient: %s', async (_name, make) => {
      const w = values(4, 1);
      const optimizer = await build([w]);
      const { code } = await failure(Promise.resolve().then(() => optimizer.apply([make(w)])));
      expect(code).toBe('SGD_GRADIENT_SHAPE');
      expect(w).toEqual(values(4, 1));
      await optimizer.dispose();
    });

    it('memory that was detached', async () => {
      const w = values(4, 1);
      const optimizer = await build([values(4, 2), w]);
      structuredClone(w.buffer, { transfer: [w.buffer as ArrayBuffer] });
      const { code, message } = await failure(optimizer.apply([values(4, 3), null]));
      expect(code).toBe('SGD_DETACHED');
      expect(message).toContain('"variable_1"');
      await optimizer.dispose();
    });
  });

  it('a thousand steps leave memory as it is', async () => {
    const optimizer = await build([values(40_000, 1)], { learningRate: 1e-3, momentum: 0.9, globalClipnorm: 1 });
    const gradient = values(40_000, 2);
    const steps = async (count: number): Promise<number> => {
      for (let step = 0; step < count; step++) await optimizer.apply([gradient]);
      return held();
    };
    const before = await steps(300);
    const after = await steps(700);
    // if a step kept one array of its own, it would be 112 MB
    expect(after - before).toBeLessThan(60e6);
    await optimizer.dispose();
  });
});
