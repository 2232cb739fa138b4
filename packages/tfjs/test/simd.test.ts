import { SGD } from '@sgd/tfjs';
import { describe, expect, it } from 'vitest';
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
