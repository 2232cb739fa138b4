import { SGD as CoreSGD, SgdError, type SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { LossScaleOptimizer, SGD, tfjs } from '@sgd/tfjs';
import conformance from '@sgd/tfjs/conformance';
import { defineSGD } from '@sgd/tfjs/define';
import { beforeEach, describe, expect, it } from 'vitest';
import { ENGINES, numbers, start, tf } from './engines.ts';

beforeEach(() => start('cpu'));

const options: SGDOptions = {
  learningRate: 0.3,
  momentum: 0.9,
  nesterov: true,
  weightDecay: 0.01,
  globalClipnorm: 0.5,
  useEma: true,
  emaOverwriteFrequency: 3,
  gradientAccumulationSteps: 2,
};
const variable = (values: readonly number[], dtype: 'float32' | 'int32' = 'float32'): tf.Variable =>
  tf.tidy(() => tf.variable(tf.tensor1d([...values], dtype), true));

describe('the backend', () => {
  it('claims the bits on cpu and wasm, and what the engine of now can do', async () => {
    const backend = tfjs();
    expect([backend.contract, backend.name, backend.mode]).toEqual([2, 'tfjs', 'sync']);
    for (const engine of ENGINES) {
      await start(engine);
      expect(backend.tolerance).toEqual({ rtol: 0, atol: 0 });
      expect(backend.supports.has('finite-check')).toBe(true);
      expect(backend.supports.has('float64')).toBe(false);
      expect(backend.path().engine).toBe(engine);
    }
  });

  it('takes names that are free, and others where they are not', () => {
    const backend = tfjs();
    const values = { data: new Float32Array(2), shape: [2], name: 'a/kernel' };
    const [first, second] = [backend.variable(values), backend.variable(values)];
    expect(first.name).toBe('a/kernel');
    expect(second.name).not.toBe('a/kernel');
    backend.free(first);
    backend.free(second);
  });

  it('exact forces operations, and says so', () => {
    expect(tfjs({ exact: true }).path()).toMatchObject({
      path: 'ops',
      why: expect.stringContaining('exact') as string,
    });
    expect(new SGD({}, { exact: true }).path().path).toBe('ops');
  });

  it('goes on when the user switches the engine between steps', async () => {
    for (const exact of [false, true]) {
      await start('cpu');
      const x = numbers(1, 300);
      const reference = new CoreSGD(options, cpu());
      const own = x.slice();
      reference.build({ own });
      const optimizer = new CoreSGD(options, tfjs({ exact }));
      const handle = tf.tidy(() => tf.variable(tf.tensor1d(x.slice())));
      optimizer.build({ own: handle });
      for (let step = 0; step < 12; step++) {
        await start(ENGINES[(step >> 1) % 2]!);
        const g = numbers(step, 300);
        tf.tidy(() => optimizer.apply([tf.tensor1d(g)]));
        reference.apply([g]);
        expect(handle.dataSync()).toEqual(own);
      }
      expect(await optimizer.getState()).toEqual(await reference.getState());
      optimizer.dispose();
      handle.dispose();
    }
  });

  it('does not write into a slot that somebody else holds too', async () => {
    const optimizer = new SGD({ momentum: 0.9, learningRate: 1 });
    const w = variable([1, 2]);
    const step = (): void => tf.tidy(() => optimizer.applyGradients({ [w.name]: tf.tensor1d([1, 1]) }));
    step();
    const [, , momentum] = await optimizer.getWeights();
    const copy = momentum!.tensor.clone();
    step();
    expect(Array.from(copy.dataSync())).toEqual([-1, -1]);
    optimizer.dispose();
  });
});

describe('refused before anything is written:', () => {
  const opened = (): { w: tf.Variable; v: tf.Variable; optimizer: SGD } => {
    const [w, v] = [variable([1, 2]), variable([3])];
    const optimizer = new SGD({ learningRate: 0.5, momentum: 0.9 });
    optimizer.build([w, v]);
    return { w, v, optimizer };
  };
  const wantRefusal = (call: () => unknown, code: string, words: RegExp, w: tf.Variable): void => {
    const before = w.isDisposed ? [] : Array.from(w.dataSync());
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringMatching(words) as string }));
    if (!w.isDisposed) expect(Array.from(w.dataSync())).toEqual(before);
  };

  it.each<[string, () => tf.Tensor, RegExp]>([
    ['a gradient of another shape', () => tf.tensor1d([1, 2, 3]), /shape \[2\].*shape \[3\]/],
    ['a gradient of another rank', () => tf.tensor2d([[1, 2]]), /shape \[1,2\]/],
    ['a gradient of another type', () => tf.tensor1d([1, 2], 'int32'), /int32/],
    ['a disposed gradient', () => disposed(tf.tensor1d([1, 2])), /disposed/],
    ['what is no tensor', () => [1, 2] as unknown as tf.Tensor, /no tensor/],
  ])('%s', (_name, gradient, words) => {
    const { w, v, optimizer } = opened();
    const call = (): void =>
      optimizer.applyGradients([
        { name: v.name, tensor: tf.tensor1d([1]) },
        { name: w.name, tensor: gradient() },
      ]);
    wantRefusal(call, 'SGD_GRADIENT_SHAPE', words, v);
  });

  const disposed = (tensor: tf.Tensor): tf.Tensor => {
    tensor.dispose();
    return tensor;
  };

  it('a variable that was disposed of', () => {
    const { w, v, optimizer } = opened();
    const core = new CoreSGD({ useEma: true }, tfjs());
    core.build([w, v]);
    w.dispose();
    wantRefusal(() => core.apply([null, tf.tensor1d([1])]), 'SGD_DETACHED', /disposed/, v);
    wantRefusal(() => core.apply([tf.zeros([2]), tf.tensor1d([1])]), 'SGD_DETACHED', /disposed/, v);
    const named = { [v.name]: tf.tensor1d([1]), [w.name]: tf.zeros([2]) };
    wantRefusal(() => optimizer.applyGradients(named), 'SGD_UNKNOWN_VARIABLE', new RegExp(`"${w.name}"`), v);
    wantRefusal(() => new CoreSGD({}, tfjs()).build([w]), 'SGD_DETACHED', /disposed/, w);
  });

  it('variables of another type, by name', () => {
    const whole = variable([1, 2], 'int32');
    wantRefusal(() => new SGD().build([whole]), 'SGD_UNSUPPORTED', /int32/, whole);
    wantRefusal(() => new CoreSGD({}, tfjs()).build([whole]), 'SGD_UNSUPPORTED', /int32/, whole);
  });

  it('a float64 array', () => {
    expect(() => tfjs().variable({ data: new Float64Array(1), shape: [1] })).toThrow(/float64/);
    expect(() => tfjs().gradient({ data: new Float64Array(1), shape: [1] })).toThrow(SgdError);
  });

  it('a variable that came later, with a hint', () => {
    const { w, v, optimizer } = opened();
    const late = variable([5]);
    const gradients = { [v.name]: tf.tensor1d([1]), [late.name]: tf.tensor1d([1]), [w.name]: tf.zeros([2]) };
    wantRefusal(() => optimizer.applyGradients(gradients), 'SGD_UNKNOWN_VARIABLE', /build\(variables\)/, v);
  });

  it('options as core refuses them', () => {
    expect(() => new SGD({ momentum: 2 })).toThrow(expect.objectContaining({ code: 'SGD_INVALID_OPTION' }));
    expect(() => new SGD({ learning_rate: 1 } as SGDOptions)).toThrow(/did you mean learningRate/);
    expect(() => new LossScaleOptimizer(tf.train.sgd(1) as unknown as SGD)).toThrow(/SGD of @sgd\/tfjs/);
    const wrapped = new SGD();
    void new LossScaleOptimizer(wrapped);
    expect(() => new LossScaleOptimizer(wrapped)).toThrow(expect.objectContaining({ code: 'SGD_UNSUPPORTED' }));
  });

  it('calls after dispose', async () => {
    const { w, optimizer } = opened();
    optimizer.dispose();
    optimizer.dispose();
    wantRefusal(() => optimizer.applyGradients({ [w.name]: tf.zeros([2]) }), 'SGD_DISPOSED', /disposed/, w);
    await expect(optimizer.getWeights()).rejects.toMatchObject({ code: 'SGD_DISPOSED' });
  });
});

describe('the drop-in', () => {
  it('takes gradients by name or in a list, and leaves what has none', () => {
    const [w, v] = [variable([1]), variable([1])];
    const warnings: unknown[] = [];
    const optimizer = new SGD({ learningRate: 0.5 }, { onWarning: (_, { paths }) => warnings.push(paths) });
    optimizer.applyGradients([
      { name: w.name, tensor: tf.tensor1d([1]) },
      { name: v.name, tensor: null },
    ]);
    optimizer.applyGradients({ [v.name]: tf.tensor1d([1]) });
    optimizer.applyGradients([]);
    expect([w, v].map((x) => x.dataSync()[0])).toEqual([0.5, 0.5]);
    expect(warnings).toEqual([[v.name]]);
    expect(optimizer.iterations).toBe(2);
  });

  it('excludes from weight decay by variable and by name', () => {
    const [w, v, u] = ['kernel', 'bias', 'gamma'].map((name) =>
      tf.tidy(() => tf.variable(tf.tensor1d([1]), true, `excluded/${name}`)),
    ) as [tf.Variable, tf.Variable, tf.Variable];
    const optimizer = new SGD({ learningRate: 1, weightDecay: 0.5 });
    optimizer.excludeFromWeightDecay({ names: ['bias'], variables: [u] });
    const zeros = [w, v, u].map(({ name }) => ({ name, tensor: tf.zeros([1]) }));
    optimizer.applyGradients(zeros);
    expect([w, v, u].map((x) => x.dataSync()[0])).toEqual([0.5, 1, 1]);
  });

  it('has groups, measures and policies of core', async () => {
    const [w, v] = [variable([1, 1]), variable([1])];
    const optimizer = new SGD(
      { learningRate: 1 },
      { groups: [{ paths: [v.name], learningRate: 0.5 }], measure: ['gradient-norm'], nonFinite: 'throw' },
    );
    const gradients = (last: number): Record<string, tf.Tensor> => ({
      [w.name]: tf.tensor1d([3, 4]),
      [v.name]: tf.tensor1d([last]),
    });
    optimizer.applyGradients(gradients(0));
    expect(await optimizer.measured()).toEqual({ gradientNorm: 5 });
    expect(() => optimizer.applyGradients(gradients(NaN))).toThrow(expect.objectContaining({ code: 'SGD_NOT_FINITE' }));
    expect(Array.from(w.dataSync())).toEqual([-2, -3]);
    optimizer.applyGradients(gradients(1));
    expect(v.dataSync()[0]).toBe(0.5);
  });

  it('is defined for another copy of TensorFlow.js', () => {
    const defined = defineSGD(tf);
    expect(defined.SGD).not.toBe(SGD);
    const optimizer = new defined.SGD({ learningRate: 0.5 });
    const w = variable([1]);
    optimizer.minimize(() => tf.sum(w));
    expect(w.dataSync()[0]).toBe(0.5);
    expect(defined.tfjs().path().engine).toBe('cpu');
    expect(new defined.LossScaleOptimizer(optimizer.built ? new defined.SGD() : optimizer).dynamicScale).toBe(32768);
  });
});

describe('the conformance entry', () => {
  it('stays on its engine, whatever the engine of now', async () => {
    const backend = await conformance('wasm');
    expect(tf.getBackend()).toBe('cpu');
    expect([backend.name, backend.path().engine, tf.getBackend()]).toEqual(['tfjs:wasm', 'wasm', 'cpu']);
  });

  it('leaves the program on its engine, also when two are made together', async () => {
    const made = await Promise.all([conformance('cpu'), conformance('wasm'), conformance('webgl').catch(() => null)]);
    expect(made.map((backend) => backend?.path().engine)).toEqual(['cpu', 'wasm', undefined]);
    expect(tf.getBackend()).toBe('cpu');
    await start('wasm');
    await Promise.all([conformance('cpu'), conformance('wasm'), conformance('cpu-ops')]);
    expect(tf.getBackend()).toBe('wasm');
  });

  it('has a variant for each engine, and one of operations only', async () => {
    expect((await conformance()).name).toBe('tfjs:cpu');
    expect((await conformance('wasm-ops')).path()).toMatchObject({ engine: 'wasm', path: 'ops' });
    await expect(conformance('tpu')).rejects.toMatchObject({ code: 'SGD_INVALID_OPTION' });
    await expect(conformance('webgl')).rejects.toMatchObject({ code: 'SGD_BACKEND' });
  });
});
