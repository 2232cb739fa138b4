import { LossScaleOptimizer, type Mode, SGD, SgdError, type SgdErrorCode } from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';
import { expectRejection, f32, later } from './helpers.ts';

type Optimizer = SGD<CpuVariable, CpuGradient, Mode>;
const engines = { cpu: async () => cpu(), wasm: async () => wasm(), asynchronous: async () => later() };
const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];

/** First steps that are refused, each on fresh variables of shape [2] and []. */
const refused: Readonly<
  Record<string, readonly [SgdErrorCode, (o: Optimizer, a: Float32Array, b: Float32Array) => unknown]>
> = {
  'a gradient of another shape': ['SGD_GRADIENT_SHAPE', (o, a, b) => o.apply([f32(1, 2), f32(1, 2)], [a, b])],
  'pairs with such a gradient': [
    'SGD_GRADIENT_SHAPE',
    (o, a, b) =>
      o.applyGradients([
        [f32(1, 2), a],
        [f32(1, 2), b],
      ]),
  ],
  'too few gradients': ['SGD_GRADIENT_COUNT', (o, a, b) => o.apply([f32(1, 2)], [a, b])],
  'no list of gradients': ['SGD_INVALID_OPTION', (o, a, b) => o.apply({ a: f32(1, 2) }, [a, b])],
  'gradients that are all null': ['SGD_NO_GRADIENTS', (o, a, b) => o.apply([null, null], [a, b])],
  'a gradient on a variable': ['SGD_GRADIENT_SHAPE', (o, a, b) => o.apply([a, null], [a, b])],
  'a gradient that is not finite': ['SGD_NOT_FINITE', (o, a, b) => o.apply([f32(1, inf), f32(nan)], [a, b])],
  'a learning rate that throws': [
    'SGD_INVALID_OPTION',
    (o, a, b) => {
      o.learningRate = () => {
        throw new Error('none today');
      };
      return o.apply([f32(1, 2), f32(1)], [a, b]);
    },
  ],
  'a record of variables': ['SGD_INVALID_OPTION', (o, a, b) => o.apply([f32(1, 2), f32(1)], { a, b } as never)],
};

describe.each(Object.entries(engines))('a first step that is refused, on %s', (_, engine) => {
  it.each(Object.keys(refused))('for %s, leaves the optimizer unbuilt', async (why) => {
    const [code, call] = refused[why]!;
    const [a, b] = [f32(1, 2), f32(3)];
    const options = { learningRate: 1, momentum: 0.5 };
    const optimizer = new SGD<CpuVariable, CpuGradient, Mode>(options, await engine(), { nonFinite: 'throw' });
    await expectRejection((async () => call(optimizer, a, b))(), code);
    expect([optimizer.built, optimizer.iterations, ...a, ...b]).toEqual([false, 0, 1, 2, 3]);
    await expectRejection((async () => optimizer.trainablePaths)(), 'SGD_NOT_BUILT');
    // and so it may be built on other variables, with other options of build
    optimizer.excludeFromWeightDecay({ names: ['c'] });
    const c = f32(7);
    await optimizer.build({ c });
    optimizer.learningRate = () => 1;
    expect(await optimizer.apply([f32(1)])).toBe(true);
    expect([optimizer.trainablePaths, c[0]]).toEqual([['c'], 6]);
    await optimizer.dispose();
  });

  it('on variables that overlap, leaves it unbuilt', async () => {
    const all = f32(1, 2, 3);
    const optimizer = new SGD<CpuVariable, CpuGradient, Mode>({}, await engine());
    const variables = [all.subarray(0, 2), all.subarray(1)];
    await expectRejection((async () => optimizer.apply([f32(1, 2), null], variables))(), 'SGD_INVALID_OPTION');
    expect(optimizer.built).toBe(false);
  });

  it('or dropped, is none: the optimizer is built, as the loss scale has changed', async () => {
    const inner = new SGD<CpuVariable, CpuGradient, Mode>({}, await engine());
    const optimizer = new LossScaleOptimizer(inner, { initialScale: 4 });
    expect(await optimizer.apply([f32(inf)], [f32(1)])).toBe(false);
    expect([optimizer.built, optimizer.dynamicScale]).toEqual([true, 2]);
  });
});

describe('an engine', () => {
  it('is asked for nothing when the gradients are no good', async () => {
    const base = cpu();
    let opened = 0;
    const backend = { ...base, open: (...args: Parameters<typeof base.open>) => (opened++, base.open(...args)) };
    const optimizer = new SGD({}, backend);
    expect(() => optimizer.apply([f32(1, 2)], [f32(1)])).toThrow(SgdError);
    expect(opened).toBe(0);
    optimizer.apply([f32(1)], [f32(1)]);
    expect(opened).toBe(1);
  });

  it.each(['sync', 'async'] as const)('gets its memory back when it refuses the step itself (%s)', async (mode) => {
    const events: string[] = [];
    let refuses = true;
    const base = cpu();
    const answer = <T>(value: T): T => (mode === 'sync' ? value : (Promise.resolve(value) as T));
    const backend = {
      ...base,
      mode,
      free: (value: Float32Array) => void events.push(`free ${value.length}`),
      open(...args: Parameters<typeof base.open>) {
        const session = base.open(...args);
        const step = (...given: Parameters<typeof session.step>): unknown => {
          if (refuses) throw new SgdError('SGD_DETACHED', 'gone');
          return answer(session.step(...given));
        };
        // the first is a copy, as on a device of the engine's own
        const variables = [f32(1, 2, 3), args[1][1]];
        return answer({ ...session, variables, step, dispose: () => answer(void events.push('dispose')) });
      },
    };
    const optimizer = new SGD<CpuVariable, CpuGradient, Mode>({}, backend as never);
    const variables = [f32(1, 1, 1), f32(2)];
    const apply = async (): Promise<boolean> => optimizer.apply([f32(1, 1, 1), f32(1)], variables);
    await expectRejection(apply(), 'SGD_DETACHED', /^gone$/);
    expect([optimizer.built, events]).toEqual([false, ['dispose', 'free 3']]);
    refuses = false;
    expect(await apply()).toBe(true);
    expect([optimizer.built, events.length]).toEqual([true, 2]);
  });

  it('that fails may have changed something: the optimizer is built, and can be disposed of', async () => {
    const base = later();
    const backend = {
      ...base,
      async open(...args: Parameters<typeof base.open>) {
        const session = await base.open(...args);
        return { ...session, step: () => Promise.reject(new Error('device lost')) };
      },
    };
    const optimizer = new SGD({}, backend);
    await expectRejection(optimizer.apply([f32(1)], [f32(1)]), 'SGD_BACKEND', /device lost/);
    expect(optimizer.built).toBe(true);
    await optimizer.dispose();
  });

  it('that can not be opened leaves it unbuilt', async () => {
    const backend = { ...later(), open: () => Promise.reject(new Error('no device')) };
    const optimizer = new SGD({}, backend);
    await expectRejection(optimizer.apply([f32(1)], [f32(1)]), 'SGD_BACKEND', /no device/);
    expect(optimizer.built).toBe(false);
  });
});

describe('a first step in flight', () => {
  it('is the one call, from beginning to end', async () => {
    const backend = later();
    const optimizer = new SGD({ learningRate: 1 }, backend);
    const x = f32(1);
    const open = backend.hold();
    const step = optimizer.apply([f32(1)], [x]);
    for (let turn = 0; turn < 8; turn++) {
      await expectRejection(optimizer.apply([f32(1)], [x]), 'SGD_BUSY', /apply is still in flight/);
      await expectRejection(optimizer.build([x]), 'SGD_BUSY');
    }
    const read = optimizer.readAll();
    open();
    expect(await step).toBe(true);
    expect(await read).toEqual({ variable: f32(0) });
  });

  it('warns as any other', () => {
    const paths: unknown[] = [];
    const optimizer = new SGD({}, cpu(), {
      onWarning: (_, details) => paths.push([details.paths, optimizer.iterations]),
    });
    optimizer.apply([f32(1), null], [f32(1), f32(2)]);
    expect(paths).toEqual([[['variable_1'], 1]]);
  });
});
