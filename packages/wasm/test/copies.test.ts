import { SGD, type SGDOptions } from '@sgd/core';
import { wasm, type WasmBackend } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';
import { detach, failure } from '../../../tests/support/programs.ts';

type Optimizer = SGD<Float32Array | { data: Float32Array; shape: readonly number[] }, Float32Array, 'sync'>;

/** Two optimizers whose step with a gradient of -1 adds 1, each on what it is given. */
function on(backend: WasmBackend, w: Float32Array, options: SGDOptions = {}): Optimizer {
  const optimizer = new SGD({ learningRate: 1, ...options }, backend) as unknown as Optimizer;
  optimizer.build({ w });
  return optimizer;
}
const add = (optimizer: Optimizer, n = 1): boolean => optimizer.apply({ w: new Float32Array(n).fill(-1) });
const read = async (optimizer: Optimizer): Promise<number[]> => Array.from(await optimizer.read('w'));

describe('two optimizers on one array', () => {
  it('take turns on the same values', async () => {
    const [backend, w] = [await wasm(), new Float32Array(1)];
    const [a, b] = [on(backend, w), on(backend, w, { momentum: 0.5 })];
    for (const [optimizer, expected] of [
      [a, 1],
      [b, 2],
      [a, 3],
    ] as const) {
      add(optimizer);
      expect(w[0]).toBe(expected);
    }
    expect([await read(a), await read(b)]).toEqual([[3], [3]]);
  });

  it('may have it as other objects over the same memory', async () => {
    const [backend, memory] = [await wasm(), new Float32Array(9)];
    const [a, b] = [on(backend, memory.subarray(2, 4)), on(backend, new Float32Array(memory.buffer, 8, 2))];
    for (const optimizer of [a, b, a]) add(optimizer, 2);
    expect(Array.from(memory)).toEqual([0, 0, 3, 3, 0, 0, 0, 0, 0]);
  });

  it('hold it in one place, until the last is disposed of', async () => {
    const backend = await wasm();
    const end = (): number => {
      const probe = backend.zeros([5000]);
      const { byteOffset } = probe.data;
      backend.free(probe);
      return byteOffset;
    };
    const w = new Float32Array(5000);
    const before = end();
    const a = on(backend, w);
    const one = end();
    const b = on(backend, w);
    expect(end() - one).toBeLessThan(4 * 5000); // records
    a.dispose();
    add(b, 5000);
    expect([w[0], w[4999]]).toEqual([1, 1]);
    const c = on(backend, w);
    add(c, 5000);
    add(b, 5000);
    expect([w[0], w[4999]]).toEqual([3, 3]);
    b.dispose();
    c.dispose();
    expect(end()).toBe(before);
  });

  it('that is not written back see each other’s steps, and so does the array when one is disposed of', async () => {
    const [backend, w] = [await wasm({ copyBack: false }), new Float32Array(1)];
    const a = on(backend, w);
    add(a);
    const b = on(backend, w);
    add(b);
    add(a);
    expect([w[0], await read(a), await read(b)]).toEqual([0, [3], [3]]);
    a.dispose();
    expect(w[0]).toBe(3);
    add(b);
    expect([w[0], await read(b)]).toEqual([3, [4]]);
    b.dispose();
    expect(w[0]).toBe(4);
  });

  it('see each other’s averages and writes, also after the arena grew', async () => {
    const [backend, w] = [await wasm(), new Float32Array(1)];
    const [a, b] = [on(backend, w, { useEma: true, emaMomentum: 0.5 }), on(backend, w)];
    add(a);
    backend.zeros([1 << 17]);
    add(a);
    a.swapAverages();
    expect([w[0], await read(b)]).toEqual([1.5, [1.5]]);
    a.swapAverages();
    await b.setState(await b.getState());
    add(b);
    expect([w[0], await read(a)]).toEqual([3, [3]]);
  });

  it('what was written into it by hand is seen by nobody, until another optimizer is built on it', async () => {
    const [backend, w] = [await wasm(), new Float32Array(1)];
    const a = on(backend, w);
    const b = on(backend, w);
    w[0] = 7;
    expect([await read(a), await read(b)]).toEqual([[0], [0]]);
    add(a);
    expect(w[0]).toBe(1);
    w[0] = 7;
    const c = on(backend, w);
    add(c);
    add(a);
    expect([w[0], await read(b)]).toEqual([9, [9]]);
  });

  it('one that finds no room leaves the other as it is', async () => {
    const backend = await wasm({ maximum: 2 ** 17 });
    const w = new Float32Array(12_000);
    const a = on(backend, w);
    w[0] = 7;
    const error = await failure(() => on(backend, w, { momentum: 0.5, useEma: true }));
    expect(error.code).toBe('SGD_BACKEND');
    expect((await read(a))[0]).toBe(0);
    a.dispose();
    expect(() => on(backend, w)).not.toThrow();
  });

  it('that was detached: both are refused, and both free what they had', async () => {
    const [backend, w] = [await wasm(), new Float32Array(1)];
    const both = [on(backend, w), on(backend, w)];
    detach(w);
    for (const optimizer of both) {
      expect((await failure(() => add(optimizer))).code).toBe('SGD_DETACHED');
      expect((await failure(() => optimizer.dispose())).code).toBe('SGD_DETACHED');
    }
  });
});

describe.each([true, false])('with copyBack: %s, an array that can’t share the copy', (copyBack) => {
  it.each<[string, (backend: WasmBackend) => WasmBackend | Promise<WasmBackend>, number, number]>([
    ['is of another arena', () => wasm({ copyBack }), 0, 4],
    ['is of another arena, and a part', () => wasm({ copyBack }), 1, 3],
    ['is a part', (backend) => backend, 2, 4],
    ['is more', (backend) => backend, 0, 6],
  ])(
    'takes the memory from the optimizer before, whose next call is refused: it %s',
    async (_name, other, from, to) => {
      const memory = new Float32Array(8);
      const backend = await wasm({ copyBack });
      const [old, twin] = [on(backend, memory.subarray(0, 4)), on(backend, memory.subarray(0, 4))];
      const aside = on(backend, memory.subarray(6));
      add(old, 4);
      const next = on(await other(backend), memory.subarray(from, to));
      const taken = { code: 'SGD_DETACHED', message: expect.stringMatching(/"w" was taken by another optimizer/) };
      for (const optimizer of [old, twin]) {
        expect(await failure(() => add(optimizer, 4))).toMatchObject(taken);
        expect(await failure(() => optimizer.read('w'))).toMatchObject(taken);
      }
      add(next, to - from);
      add(aside, 2);
      for (const optimizer of [old, twin, next, aside]) optimizer.dispose();
      const expected = [1, 1, 1, 1, 0, 0, 1, 1].map((x, i) => (i >= from && i < to ? x + 1 : x));
      expect(Array.from(memory)).toEqual(expected);
      const after = on(backend, memory.subarray(0, 4));
      add(after, 4);
      after.dispose();
      expect(memory[0]).toBe(expected[0]! + 1);
    },
  );

  it('without an element in common is left alone, in other arenas too', async () => {
    const memory = new Float32Array(8);
    const backend = await wasm({ copyBack });
    const optimizers = [
      on(backend, memory.subarray(0, 4)),
      on(backend, memory.subarray(4, 6)),
      on(await wasm({ copyBack }), memory.subarray(6)),
      on(backend, memory.subarray(4, 4)),
    ];
    optimizers.forEach((optimizer, i) => add(optimizer, [4, 2, 2, 0][i]));
    for (const optimizer of optimizers) optimizer.dispose();
    expect(memory.every((x) => x === 1)).toBe(true);
  });
});
