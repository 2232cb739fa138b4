import { SGD as CoreSGD, SgdError } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { LossScaleOptimizer, SGD, tfjs } from '@sgd/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { start, tf } from './engines.ts';

const codeOf = (call: () => unknown): unknown => {
  try {
    call();
    return 'taken';
  } catch (error) {
    return error instanceof SgdError ? error.code : error;
  }
};

describe.each(['cpu', 'wasm'] as const)('on the engine %s', (engine) => {
  beforeAll(() => start(engine));
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  describe('a first step that is refused', () => {
    const variables = (): [tf.Variable, tf.Variable] => [
      tf.variable(tf.tensor1d([1, 2]), true, 'a'),
      tf.variable(tf.tensor1d([3]), true, 'b'),
    ];

    it.each<[string, string, object, (a: tf.Variable, b: tf.Variable) => object]>([
      [
        'a gradient of another shape',
        'SGD_GRADIENT_SHAPE',
        {},
        () => ({ a: tf.tensor1d([1, 2]), b: tf.tensor1d([1, 2]) }),
      ],
      ['no gradients', 'SGD_NO_GRADIENTS', {}, () => ({ a: null, b: null })],
      [
        'one that is not finite',
        'SGD_NOT_FINITE',
        { nonFinite: 'throw' },
        () => ({ a: tf.tensor1d([1, 2]), b: tf.tensor1d([NaN]) }),
      ],
      [
        'a variable named twice',
        'SGD_INVALID_OPTION',
        {},
        () => ['a', 'a'].map((name) => ({ name, tensor: tf.tensor1d([1, 2]) })),
      ],
    ])('for %s leaves the optimizer unbuilt, and no tensors', (_, code, extras, gradientsOf) => {
      const [a, b] = variables();
      try {
        const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, extras);
        const gradients = gradientsOf(a, b);
        const before = tf.memory().numTensors;
        expect(codeOf(() => optimizer.applyGradients(gradients as never))).toBe(code);
        expect([optimizer.built, optimizer.iterations, tf.memory().numTensors]).toEqual([false, 0, before]);
        // and it may be built on others
        optimizer.applyGradients({ b: tf.tensor1d([1]) });
        optimizer.applyGradients({ b: tf.tensor1d([1]) });
        expect([...a.dataSync(), ...b.dataSync()]).toEqual([1, 2, 0.5]);
        optimizer.dispose();
      } finally {
        a.dispose();
        b.dispose();
      }
    });

    it('under a loss scale that is dropped, builds', () => {
      const [a, b] = variables();
      const optimizer = new LossScaleOptimizer(new SGD({ learningRate: 1 }), { initialScale: 4 });
      optimizer.applyGradients({ a: tf.tensor1d([1, Infinity]) });
      expect([optimizer.built, optimizer.dynamicScale]).toEqual([true, 2]);
      optimizer.applyGradients({ a: tf.tensor1d([2, 2]) });
      expect(Array.from(a.dataSync())).toEqual([0, 1]);
      for (const each of [optimizer, a, b]) each.dispose();
    });
  });

  it("what a layer's constraint throws is no refusal, as the step was taken", () => {
    const a = tf.variable(tf.tensor1d([1, 2]), true, 'a');
    const unbuilt = (): never => new CoreSGD({}, cpu()).trainablePaths as never;
    const optimizer = new SGD({ learningRate: 1 });
    optimizer.constrain({ weights: [{ constraint: { apply: unbuilt }, read: () => a }] } as never);
    const call = (): void => optimizer.applyGradients({ a: tf.tensor1d([1, 1]) });
    expect(call).toThrow(expect.objectContaining({ code: 'SGD_BACKEND', cause: expect.any(SgdError) }));
    expect(Array.from(a.dataSync())).toEqual([0, 1]);
    optimizer.dispose();
    a.dispose();
  });

  it('a learning rate that frees a gradient refuses the step', () => {
    const x = tf.variable(tf.tensor1d([1, 2]));
    const gradient = tf.tensor1d([1, 1]);
    const optimizer = new CoreSGD({ learningRate: () => (gradient.dispose(), 1), momentum: 0.5 }, tfjs());
    optimizer.build([x]);
    expect(codeOf(() => optimizer.apply([gradient]))).toBe('SGD_GRADIENT_SHAPE');
    expect([...x.dataSync(), optimizer.iterations]).toEqual([1, 2, 0]);
    optimizer.dispose();
    x.dispose();
  });

  it.each([false, true])(
    'a learning rate that detaches the array under a gradient does no harm (exact: %s)',
    (exact) => {
      const x = tf.variable(tf.tensor1d([1, 2]));
      const array = new Float32Array([1, 1]);
      const gradient = tf.tensor1d(array);
      const detach = (): number => (structuredClone(array, { transfer: [array.buffer] }), 1);
      const optimizer = new CoreSGD({ learningRate: detach }, tfjs({ exact }));
      optimizer.build([x]);
      // the engine cpu has no copy of the array; wasm has one
      const wanted = engine === 'cpu' ? ['SGD_DETACHED', 1, 2] : ['taken', 0, 1];
      expect([codeOf(() => optimizer.apply([gradient])), ...x.dataSync()]).toEqual(wanted);
      optimizer.dispose();
      x.dispose();
    },
  );
});
