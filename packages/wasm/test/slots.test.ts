import { wasm, type WasmBackend, type WasmVariable } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';
import { detach, program, update, variable } from '../../../tests/support/programs.ts';

// What a session holds beside the user's arrays, and when it touches these.

const kinds: readonly [string, (backend: WasmBackend, values: number[]) => WasmVariable & { data: Float32Array }][] = [
  ['a tensor', (backend, values) => backend.from(values)],
  ['an array', (_, values) => ({ data: new Float32Array(values), shape: [values.length] })],
];

describe.each(kinds)('averages of %s', (_name, make) => {
  it.each([
    ['swap', [1, 2]],
    ['assign', [3, 6]],
  ] as const)('%s', async (action, kept) => {
    const backend = await wasm();
    const w = make(backend, [1, 2]);
    const session = backend.open(program([variable(2)], { slots: new Set(['average']) }), [w]);
    await session.write([{ slot: 'average', index: 0, values: new Float32Array([3, 6]) }]);
    session.averages(action);
    expect(Array.from(w.data)).toEqual([3, 6]);
    const [average] = await session.read([{ slot: 'average', index: 0 }]);
    expect(Array.from(average!)).toEqual(kept);
  });
});

it('read gives the values of when it was called, which are the caller’s', async () => {
  const backend = await wasm();
  const w = new Float32Array([1, 2]);
  const session = backend.open(program([variable(2)]), [w]);
  const entry = { slot: 'variable', index: 0 } as const;
  const reading = session.read([entry]);
  session.step(update, [new Float32Array([2, 4])], [0]);
  const [before] = await reading;
  expect(Array.from(before!)).toEqual([1, 2]);
  before!.fill(9);
  expect(Array.from((await session.read([entry]))[0]!)).toEqual([0, 0]);
});

describe('an array of the user', () => {
  const slots = new Set(['accumulator', 'average'] as const);

  it('is not written where nothing was updated', async () => {
    const backend = await wasm();
    const [w, other] = [new Float32Array([1]), new Float32Array([1])];
    const session = backend.open(program([variable(1), variable(1, { path: 'other' })], { slots }), [w, other]);
    w[0] = other[0] = 7;
    const gradient = [new Float32Array([2])];
    session.step({ ...update, phase: 'accumulate' }, gradient, [0]);
    await session.write([{ slot: 'average', index: 0, values: new Float32Array([5]) }]);
    expect([w[0], other[0]]).toEqual([7, 7]);
    session.step({ ...update, accumulationSteps: 2 }, gradient, [0]);
    expect([w[0], other[0]]).toEqual([0, 7]);
  });
});

describe('what has no elements', () => {
  const slots = new Set(['momentum', 'accumulator', 'average'] as const);
  const empty = (path: string): ReturnType<typeof variable> => variable(0, { path });
  const detached = (): Float32Array => {
    const array = new Float32Array(0);
    detach(array);
    return array;
  };

  it.each([
    ['a tensor', (backend: WasmBackend) => backend.zeros([0])],
    ['an array', () => new Float32Array(0)],
    ['a detached array', detached],
  ])('is stepped, read and written after the arena grew: %s', async (_name, make) => {
    const backend = await wasm();
    const [w, gradient] = [make(backend), make(backend)];
    const session = backend.open(program([empty('w'), variable(1)], { slots }), [w, new Float32Array(1)]);
    const entries = [...slots, 'variable' as const].map((slot) => ({ slot, index: 0 }));
    const values = new Float32Array(0);
    for (let grown = 0; grown < 2; grown++) {
      expect(await session.read(entries)).toEqual(entries.map(() => values));
      await session.write(entries.map((entry) => ({ ...entry, values })));
      session.averages('swap');
      expect(session.step(update, [gradient, new Float32Array([1])], [0, 1])).toBe(true);
      backend.zeros([2 ** 20]);
    }
    session.dispose();
  });
});
