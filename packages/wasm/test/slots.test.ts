import { wasm, type WasmBackend, type WasmVariable } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';
import { detach, failure, program, update, variable } from '../../../tests/support/programs.ts';

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
    const session = backend.open(program([variable(2)], { keeps: ['average'] }), [w]);
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
  const keeps = ['gradient_accumulator', 'average'] as const;

  it('is not written where nothing was updated', async () => {
    const backend = await wasm();
    const [w, other] = [new Float32Array([1]), new Float32Array([1])];
    const session = backend.open(program([variable(1), variable(1, { path: 'other' })], { keeps }), [w, other]);
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
  const keeps = ['momentum', 'gradient_accumulator', 'average'] as const;
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
    const session = backend.open(program([empty('w'), variable(1)], { keeps }), [w, new Float32Array(1)]);
    const entries = [...keeps, 'variable'].map((slot) => ({ slot, index: 0 }));
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

describe('read and write', () => {
  const keeps = ['momentum', 'gradient_accumulator', 'average'] as const;
  const variables = [variable(2), variable(1, { path: 'scale', overwrites: true })];

  it('writes all or nothing', async () => {
    const backend = await wasm();
    const w = new Float32Array([1, 2]);
    const session = backend.open(program(variables, { keeps }), [w, new Float32Array(1)]);
    const good = { slot: 'variable', index: 0, values: new Float32Array([8, 9]) } as const;
    for (const bad of [
      { slot: 'momentum', index: 0, values: new Float32Array(3) },
      { slot: 'average', index: 0, values: new Float32Array(0) },
      { slot: 'momentum', index: 1, values: new Float32Array(1) },
      { slot: 'variable', index: 2, values: new Float32Array(1) },
    ] as const) {
      const error = await failure(() => session.write([good, bad]));
      expect(error).toMatchObject({ code: 'SGD_STATE_MISMATCH', message: expect.stringContaining(bad.slot) });
    }
    expect(Array.from(w)).toEqual([1, 2]);
  });

  it('a disposed session has no slots, and the variables are the caller’s', async () => {
    const backend = await wasm();
    const w = backend.from([1, 2]);
    const session = backend.open(program([variable(2)], { keeps }), [w]);
    session.dispose();
    session.dispose();
    expect((await failure(() => session.read([{ slot: 'momentum', index: 0 }]))).code).toBe('SGD_STATE_MISMATCH');
    expect(Array.from(w.data)).toEqual([1, 2]);
  });
});

describe('measured', () => {
  it('has what was asked for, of the last updating step', async () => {
    const backend = await wasm();
    const made = program([variable(2), variable(1, { overwrites: true })], {
      keeps: ['gradient_accumulator'],
      finiteCheck: true,
      measure: new Set(['gradient-norm', 'update-norm']),
    });
    const session = backend.open(made, [new Float32Array(2), new Float32Array(1)]);
    const step = { ...update, accumulationSteps: 2 };
    const g = [new Float32Array([6, 8])];
    expect(await session.measured?.()).toEqual({});
    session.step({ ...step, phase: 'accumulate' }, g, [0]);
    expect(await session.measured?.()).toEqual({});
    session.step(step, g, [0]);
    const figures = { gradientNorm: 10, updateNorm: 5 };
    expect(await session.measured?.()).toEqual(figures);
    session.step({ ...step, phase: 'accumulate' }, g, [0]);
    session.step(step, [new Float32Array([NaN, 1])], [0]);
    session.step({ ...step, ordinary: false }, [new Float32Array(1)], [1]);
    expect(await session.measured?.()).toEqual(figures);
  });

  it.each([
    ['gradient-norm', { gradientNorm: 5 }],
    ['update-norm', { updateNorm: 2.5 }],
  ] as const)('%s alone', async (name, figures) => {
    const backend = await wasm();
    const session = backend.open(program([variable(2)], { measure: new Set([name]) }), [new Float32Array(2)]);
    session.step(update, [new Float32Array([3, 4])], [0]);
    expect(await session.measured?.()).toEqual(figures);
  });
});
