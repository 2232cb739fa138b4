import { SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import { describe, expect, it, vi } from 'vitest';
import { numbers, same, wantSameWhenFed } from './trial.ts';

const N = 300_001;

/** Newer than the types. */
interface Resizing extends ArrayBuffer {
  resize(bytes: number): void;
}

describe('large gradients that are ordinary arrays and come again', () => {
  it('give the bits of @sgd/cpu, in every pass', async () => {
    wantSameWhenFed(await wasm());
  });

  it('are copied in pieces, once for each pass, in as few calls as small ones', async () => {
    const calls: string[] = [];
    const { Module, Memory, Instance } = WebAssembly;
    class Noting {
      exports: object;
      constructor(module: WebAssembly.Module, { env }: { env: { feed: (...args: number[]) => number } }) {
        const feed = (...args: number[]): number => {
          calls.push(`${args[1]} ${args[2]}`);
          return env.feed(...args);
        };
        const { exports } = new Instance(module, { env: { ...env, feed } });
        this.exports = Object.fromEntries(
          (['reduce', 'write'] as const).map((name) => [
            name,
            (list: number, count: number): unknown => {
              calls.push(name);
              return (exports[name] as (...args: number[]) => unknown)(list, count);
            },
          ]),
        );
      }
    }
    vi.stubGlobal('WebAssembly', { Module, Memory, Instance: Noting });
    const optimizer = new SGD({ momentum: 0.9, globalClipnorm: 1 }, await wasm());
    optimizer.build([new Float32Array(N)]);
    const gradients = [numbers(1, N, 0)];
    const noted = (): string[] => {
      calls.length = 0;
      optimizer.apply(gradients);
      return calls.slice();
    };
    // copied as a whole
    expect(noted()).toEqual(['reduce', 'write']);
    const all = noted();
    vi.unstubAllGlobals();
    const isCall = (call: string): boolean => call === 'reduce' || call === 'write';
    expect(all.filter(isCall)).toEqual(['reduce', 'write']);
    const pieces = all.filter((call) => !isCall(call));
    let end = 0;
    let passes = 0;
    for (const piece of pieces) {
      const [at, bytes] = piece.split(' ').map(Number) as [number, number];
      expect(at).toBe(end % (4 * N));
      expect(bytes).toBeLessThanOrEqual(4096);
      if (at === 0) passes++;
      end = at + bytes;
    }
    expect([passes, end]).toEqual([2, 4 * N]); // one that reads, for the norm, and one that writes
  });

  it('are read where they are now, on shared memory, in the midst of a buffer, with a shape, after the arena grew', async () => {
    const backend = await wasm();
    const whole = new Float32Array(new SharedArrayBuffer(4 * (N + 9)));
    const gradient = { data: whole.subarray(5, 5 + N), shape: [N] };
    const [ours, theirs] = [new Float32Array(N), new Float32Array(N)];
    const [optimizer, reference] = [new SGD({ momentum: 0.5 }, backend), new SGD({ momentum: 0.5 }, cpu())];
    optimizer.build([ours]);
    reference.build([theirs]);
    for (let i = 0; i < 4; i++) {
      gradient.data.set(numbers(i, N, 0));
      backend.zeros([1 << 16]); // new views of the arena
      optimizer.apply([gradient]);
      reference.apply([gradient]);
      same(ours, theirs, `step ${i}`);
    }
    expect(ours.some((x) => x !== 0)).toBe(true);
  });

  it('are cut anew when their buffer was resized', async () => {
    const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => Resizing;
    const buffer = new Resizable(4 * N, { maxByteLength: 8 * N });
    const gradient = new Float32Array(buffer);
    const backend = await wasm();
    for (const n of [N, N + 50_000, N - 20_000]) {
      buffer.resize(4 * n);
      gradient.set(numbers(n, n, 0));
      const w = new Float32Array(n);
      const optimizer = new SGD({ learningRate: 1 }, backend);
      optimizer.build([w]);
      for (let i = 0; i < 3; i++) optimizer.apply([gradient]);
      const expected = gradient.map((g) => Math.fround(Math.fround(-g - g) - g));
      same(w, expected, `${n} elements`);
      expect(w.length).toBe(n);
    }
  });

  it('new ones each time are copied as a whole', async () => {
    const optimizer = new SGD({ learningRate: 1 }, await wasm());
    const w = new Float32Array(N);
    optimizer.build([w]);
    for (let i = 1; i <= 3; i++) optimizer.apply([new Float32Array(N).fill(1)]);
    expect(w.every((x) => x === -3)).toBe(true);
  });

  it('of a variable that is overwritten are its value', async () => {
    const optimizer = new SGD({}, await wasm());
    const scale = new Float32Array(N);
    const gradient = new Float32Array(N);
    optimizer.build({ scale }, { overwriteWithGradient: ['scale'] });
    for (let i = 1; i <= 3; i++) {
      gradient.fill(i);
      optimizer.apply({ scale: gradient });
      expect(scale.every((x) => x === i)).toBe(true);
    }
  });
});
