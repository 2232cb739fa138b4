import { SGD } from '@sgd/tfjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { start, tf } from './engines.ts';

describe('a heap that grew beyond 2 GiB', () => {
  it('is stepped in as one below', async () => {
    await start('wasm');
    const heap = tf.backend() as unknown as { wasm: { _malloc(bytes: number): number; HEAPU8: Uint8Array } };
    const [variable, gradient] = [tf.variable(tf.tensor1d([1, 2, 3])), tf.tensor1d([2, 4, 6])];
    // never written, it costs address space and no memory
    while (heap.wasm.HEAPU8.byteLength <= 2 ** 31) heap.wasm._malloc(2 ** 28);
    const optimizer = new SGD({ learningRate: 0.5, momentum: 0.5 });
    optimizer.applyGradients({ [variable.name]: gradient });
    expect(Array.from(variable.dataSync())).toEqual([0, 0, 0]);
    optimizer.applyGradients({ [variable.name]: gradient });
    expect(Array.from(variable.dataSync())).toEqual([-1.5, -3, -4.5]);
    optimizer.dispose();
  });
});

describe('where a page lets no WebAssembly be compiled', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('steps are taken by operations of tfjs, and path says why', async () => {
    await start('wasm');
    class Refused {
      constructor() {
        throw new EvalError("violates 'wasm-unsafe-eval'");
      }
    }
    vi.stubGlobal('WebAssembly', { Memory: Object, Module: Refused });
    vi.resetModules(); // or kernels would be there
    const fresh = (await import('../src/index.ts')) as { SGD: typeof SGD };
    const [variable, gradient] = [tf.variable(tf.tensor1d([1, 2, 3])), tf.tensor1d([2, 4, 6])];
    const optimizer = new fresh.SGD({ learningRate: 0.5 });
    expect(optimizer.path()).toMatchObject({ engine: 'wasm', path: 'ops' });
    expect(optimizer.path().why).toMatch(/does not start: EvalError: .*wasm-unsafe-eval/);
    optimizer.applyGradients({ [variable.name]: gradient });
    expect(Array.from(variable.dataSync())).toEqual([0, 0, 0]);
    optimizer.dispose();
  });
});
