import { SGD, Spans } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { f32 } from './helpers.ts';

afterEach(() => void vi.restoreAllMocks());

/** How often sets and maps are asked while a call runs. */
function lookups(call: () => void): number {
  const spies = [vi.spyOn(Set.prototype, 'has'), vi.spyOn(Map.prototype, 'get'), vi.spyOn(RegExp.prototype, 'test')];
  call();
  const count = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  vi.restoreAllMocks();
  return count;
}

describe('many variables', () => {
  const named = (name: string | undefined, n: number): object[] =>
    Array.from({ length: n }, () => ({ data: f32(1), shape: [1], name }));

  it.each([undefined, 'w', 'block/w_1'])('of one name (%s) are named by looking each up a few times', (name) => {
    const work = (n: number): number =>
      lookups(() => new SGD({ learningRate: 1 }, cpu()).build(named(name, n) as never));
    const [few, many] = [work(500), work(2000)];
    expect(few).toBeGreaterThan(500);
    expect(many / few).toBeLessThan(5);
  });

  it('keep the names that they had: the next free number', () => {
    const optimizer = new SGD({}, cpu());
    optimizer.build(['w', 'w_1', 'w', 'w', 'w_1', 'w_3'].map((name) => ({ data: f32(1), shape: [1], name })));
    expect(optimizer.trainablePaths).toEqual(['w', 'w_1', 'w_2', 'w_3', 'w_1_1', 'w_3_1']);
  });

  it('in groups by exact path are found without a search', () => {
    const work = (n: number): number => {
      const paths = Array.from({ length: n }, (_, i) => `v${i}`);
      let compared = 0;
      // a list that counts how often it is gone through
      const groups = [{ paths, momentum: 0.5 }];
      const optimizer = new SGD({}, cpu(), { groups });
      const some = vi.spyOn(Array.prototype, 'some').mockImplementation(function (this: unknown[], test) {
        for (let i = 0; i < this.length; i++) {
          compared++;
          if (test(this[i], i, this)) return true;
        }
        return false;
      });
      const looked = lookups(() => optimizer.build(Object.fromEntries(paths.map((path) => [path, f32(1)]))));
      some.mockRestore();
      return compared + looked;
    };
    const [few, many] = [work(500), work(2000)];
    expect(few).toBeGreaterThan(500);
    expect(many / few).toBeLessThan(5);
  });

  it('on one buffer are built, and stepped in any part and order', () => {
    const n = 3000;
    const memory = new Float32Array(2 * n);
    const optimizer = new SGD({ learningRate: 1, useEma: true }, cpu());
    const order = Array.from({ length: n }, (_, i) => (i * 7) % n);
    optimizer.build(order.map((i) => memory.subarray(2 * i, 2 * i + 1)));
    // the gradients lie between the variables
    const last = memory.subarray(2 * n - 1);
    last[0] = 3;
    optimizer.apply(order.map((i, j) => (j === 5 ? last : null)));
    expect(memory[2 * (order[5] as number)]).toBe(-3);
    expect(() => optimizer.apply(order.map((i, j) => (j === 5 ? memory.subarray(0, 1) : null)))).toThrow(
      /shares memory/,
    );
  });
});

describe('Spans', () => {
  it('find what overlaps, as a look at each would', () => {
    const span = fc.tuple(fc.nat(40), fc.nat(6));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 40 }), fc.array(span), (given, asked) => {
        const buffer = new ArrayBuffer(50);
        const spans = new Spans();
        const kept: [number, number][] = [];
        const meets = ([at, length]: readonly [number, number]): boolean =>
          kept.some(([from, size]) => Math.max(from, at) < Math.min(from + size, at + length));
        for (const one of given) {
          const free = !meets(one);
          expect(spans.add(new Uint8Array(buffer, ...one))).toBe(free);
          if (free) kept.push(one);
        }
        for (const one of asked) {
          expect(spans.meets(new Uint8Array(buffer, ...one))).toBe(meets(one));
          expect(spans.meets(new Uint8Array(new ArrayBuffer(50), ...one))).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });
});
