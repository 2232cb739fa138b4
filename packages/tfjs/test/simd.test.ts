import { SGD } from '@sgd/tfjs';
import { describe, expect, it } from 'vitest';
import { instantiate } from '../src/simd/instantiate.ts';
import * as at from '../src/simd/layout.ts';
import { start, tf } from './engines.ts';

interface Memories {
  readonly Memory: new (limits: object) => { readonly buffer: ArrayBufferLike };
}
const { Memory } = (globalThis as unknown as { WebAssembly: Memories }).WebAssembly;

describe('the kernel', () => {
  it.each([
    ['of its own', { initial: 1 }],
    ['that threads share', { initial: 1, maximum: 65536, shared: true }],
  ])('works in a memory %s', (_name, limits) => {
    const memory = new Memory(limits);
    const floats = new Float32Array(memory.buffer);
    const words = new Uint32Array(memory.buffer);
    const [numbers, record, order, rates] = [64, 128, 256, 512].map((byte) => byte / 4) as [
      number,
      number,
      number,
      number,
    ];
    const arrays = { value: 1024, momentum: 2048, gradient: 3072 };
    floats.set([1, 2, 3, 4, 5], arrays.value / 4);
    floats.set([2, 2, 2, 2, 2], arrays.gradient / 4);
    floats.set([0.5, 0.5, 0], rates);
    words.set([arrays.value, arrays.momentum, 0, 0, arrays.gradient, 20, 4 * rates, 0, 0], record);
    words[order] = 4 * record;
    const kernel = instantiate(at.MOMENTUM, memory);
    expect(kernel(4 * numbers, 4 * record, 1, 4 * order, 1, at.UPDATE | at.ORDINARY)).toBe(1);
    expect(Array.from(floats.subarray(arrays.value / 4, arrays.value / 4 + 5))).toEqual([0, 1, 2, 3, 4]);
    expect(instantiate(at.MOMENTUM, memory)).toBe(kernel);
  });
});

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
