import { type FloatArray, type ProgramVariable, SGD } from '@sgd/core';
import { wasm, type WasmBackend, type WasmVariable } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';
import { detach, failure, program, update, variable } from '../../../tests/support/programs.ts';

const dataOf = (x: WasmVariable): FloatArray => ('data' in x ? x.data : x);
const shared = (values: number[]): Float32Array => {
  const data = new Float32Array(new SharedArrayBuffer(4 * values.length));
  data.set(values);
  return data;
};

/** The kinds of variables and gradients that there are. */
const kinds: readonly [string, (backend: WasmBackend, values: number[]) => WasmVariable][] = [
  ['a tensor', (backend, values) => backend.from(values)],
  ['the view of a tensor', (backend, values) => backend.from(values).data],
  [
    'the view of a tensor, with a shape',
    (backend, values) => ({ data: backend.from(values).data, shape: [values.length] }),
  ],
  ['a bare array', (_, values) => new Float32Array(values)],
  ['an array with a shape', (_, values) => ({ data: new Float32Array(values), shape: [values.length] })],
  ['an array on shared memory', (_, values) => shared(values)],
  ['a view into a larger buffer', (_, values) => new Float32Array([9, ...values, 9]).subarray(1, 1 + values.length)],
];

describe.each(kinds)('%s', (_name, make) => {
  it('is a variable, and keeps its handle', async () => {
    const backend = await wasm({ reserve: 1 << 16 });
    const w = make(backend, [1, 2]);
    const session = backend.open(program([variable(2)]), [w]);
    session.step(update, [new Float32Array([2, 4])], [0]);
    expect(Array.from(dataOf(w))).toEqual([0, 0]);
    expect(session.variables[0]).toBe(w);
    session.dispose();
    expect(Array.from(dataOf(w))).toEqual([0, 0]);
  });

  it('is a gradient, and is not written', async () => {
    const backend = await wasm({ reserve: 1 << 16 });
    const w = backend.from([1, 2]);
    const g = make(backend, [2, 4]);
    const keeps = ['momentum'] as const;
    backend.open(program([variable(2)], { keeps, unscale: true }), [w]).step(update, [g], [0]);
    expect(Array.from(w.data)).toEqual([0, 0]);
    expect(Array.from(dataOf(g))).toEqual([2, 4]);
  });

  it('given as the gradient of itself is refused', async () => {
    const backend = await wasm({ reserve: 1 << 16 });
    const w = make(backend, [1, 2]);
    const other = new Float32Array(1);
    const session = backend.open(program([variable(1, { path: 'other' }), variable(2)]), [other, w]);
    const error = await failure(() => session.step(update, [new Float32Array([1]), w], [0, 1]));
    expect(error).toMatchObject({ code: 'SGD_GRADIENT_SHAPE', message: expect.stringContaining('"w" shares memory') });
    expect([...dataOf(w), ...other]).toEqual([1, 2, 0]);
    expect(session.step(update, [new Float32Array([1]), new Float32Array([2, 4])], [0, 1])).toBe(true);
  });

  it('given twice is refused, by name', async () => {
    const backend = await wasm({ reserve: 1 << 16 });
    const w = make(backend, [1, 2]);
    const again = { data: dataOf(w), shape: [2] };
    const two = program([variable(2, { path: 'a' }), variable(2, { path: 'b' })]);
    const error = await failure(() => backend.open(two, [w, again]));
    expect(error).toMatchObject({ code: 'SGD_INVALID_OPTION', message: expect.stringContaining('"b"') });
  });
});

describe('ordinary arrays', () => {
  it('are written back after each step that changes them', async () => {
    const w = new Float32Array([1]);
    const frozen = new Float32Array([1]);
    const backend = await wasm();
    const made = program([variable(1), variable(1, { path: 'f' })], { keeps: ['gradient_accumulator', 'average'] });
    const session = backend.open(made, [w, frozen]);
    const g = [new Float32Array([2])];
    session.step({ ...update, phase: 'accumulate' }, g, [0]);
    expect(w[0]).toBe(1);
    session.step({ ...update, accumulationSteps: 2 }, g, [0]);
    expect(w[0]).toBe(0);
    w[0] = frozen[0] = 7; // not seen, and overwritten by what was computed
    session.step({ ...update, phase: 'accumulate', averageOverwrite: true }, g, [0]);
    expect([w[0], frozen[0]]).toEqual([0.125, 0.875]);
    w[0] = 7;
    session.averages('swap');
    expect(w[0]).toBe(0.125);
    w[0] = 7;
    await session.write([{ slot: 'variable', index: 0, values: new Float32Array([3]) }]);
    expect(w[0]).toBe(3);
    w[0] = 7;
    session.dispose();
    expect(w[0]).toBe(3);
  });

  it('are written back when the optimizer is disposed of, with copyBack: false', async () => {
    const backend = await wasm({ copyBack: false });
    const [w, scale] = [new Float32Array([1, 1]), new Float32Array([1])];
    const optimizer = new SGD({ learningRate: 0.5, useEma: true }, backend);
    optimizer.build({ w, scale }, { overwriteWithGradient: ['scale'] });
    optimizer.apply({ w: new Float32Array([2, 4]), scale: new Float32Array([5]) });
    optimizer.finalizeVariableValues();
    expect([...w, ...scale]).toEqual([1, 1, 1]);
    expect(Array.from(await optimizer.read('w'))).toEqual([0, -1]);
    optimizer.dispose();
    expect([...w, ...scale]).toEqual([0, -1, 5]);
  });

  it('that overlap are refused, by name', async () => {
    const backend = await wasm();
    const memory = new Float32Array(8);
    const two = program([variable(4, { path: 'a' }), variable(4, { path: 'b' })]);
    for (const [from, to] of [
      [0, 4],
      [3, 7],
    ] as const) {
      const error = await failure(() => backend.open(two, [memory.subarray(0, 4), memory.subarray(from, to)]));
      expect(error).toMatchObject({ code: 'SGD_INVALID_OPTION', message: expect.stringContaining('"b"') });
    }
    expect(() => backend.open(two, [memory.subarray(4, 8), memory.subarray(0, 4)])).not.toThrow();
    const empty = program([variable(4, { path: 'a' }), variable(0, { path: 'b' })]);
    expect(() => backend.open(empty, [memory.subarray(0, 4), memory.subarray(2, 2)])).not.toThrow();
  });

  // ten numbers with two variables of four in them, and a variable elsewhere
  const memory = new Float32Array(12);
  const arrays = [memory.subarray(0, 4), memory.subarray(6, 10), new Float32Array([1]), new Float32Array(0)];
  const made = program(arrays.map((x, i) => variable(x.length, { path: `v${i}` })));

  it.each<[string, Float32Array, number]>([
    ['the end of it', memory.subarray(3, 7), 0],
    ['a piece of another variable', memory.subarray(9, 10), 2],
    ['another variable', arrays[1]!, 0],
    ['another variable that has a buffer of its own', new Float32Array(arrays[2]!.buffer), 2],
  ])('a gradient on memory of a variable stops the step: %s', async (_name, gradient, index) => {
    const backend = await wasm();
    const session = backend.open(made, arrays);
    const before = arrays.map((x) => Array.from(x));
    for (let again = 0; again < 2; again++) {
      const error = await failure(() => session.step(update, [gradient], [index]));
      expect(error).toMatchObject({
        code: 'SGD_GRADIENT_SHAPE',
        message: expect.stringContaining(`"v${index}" shares`),
      });
    }
    expect(arrays.map((x) => Array.from(x))).toEqual(before);
  });

  it.each<[string, Float32Array, number]>([
    ['beside the variables', memory.subarray(10, 11), 2],
    ['between two of them', memory.subarray(4, 5), 2],
    ['of no elements in the midst of one', memory.subarray(2, 2), 3],
  ])('a gradient in the same buffer may lie %s', async (_name, gradient, index) => {
    const backend = await wasm();
    expect(backend.open(made, arrays).step(update, [gradient], [index])).toBe(true);
  });

  it('that were detached stop every call before anything is written; dispose frees, and says so', async () => {
    const backend = await wasm();
    const [a, b] = [new Float32Array([1, 2]), new Float32Array([3])];
    const session = backend.open(program([variable(2), variable(1, { path: 'bias' })]), [a, b]);
    session.step(update, [new Float32Array([2, 2])], [0]);
    detach(b);
    for (const call of [
      () => session.step(update, [new Float32Array([1, 1])], [0]),
      () => session.read([{ slot: 'variable', index: 0 }]),
      () => session.write([{ slot: 'variable', index: 0, values: new Float32Array(2) }]),
      () => session.averages('assign'),
    ]) {
      const error = await failure(call);
      expect(error).toMatchObject({ code: 'SGD_DETACHED', message: expect.stringContaining('"bias"') });
    }
    expect(Array.from(a)).toEqual([0, 1]);
    const lost = { code: 'SGD_DETACHED', message: expect.stringContaining('not written back') };
    expect(await failure(() => session.dispose())).toMatchObject(lost);
    expect(() => session.dispose()).not.toThrow();
  });
});

describe('tensors', () => {
  it('that were freed stop every call, also when their memory has another tensor', async () => {
    const backend = await wasm();
    const [a, b] = [backend.from([1, 2]), backend.from([3])];
    const session = backend.open(program([variable(2, { path: 'kernel' }), variable(1)]), [a, b]);
    backend.free(a);
    const other = backend.from([5, 5]);
    for (const call of [
      () => session.step(update, [new Float32Array(1)], [1]),
      () => session.read([{ slot: 'variable', index: 1 }]),
      () => session.averages('swap'),
    ]) {
      const error = await failure(call);
      expect(error).toMatchObject({ code: 'SGD_DETACHED', message: expect.stringContaining('"kernel"') });
    }
    expect([...other.data, ...b.data]).toEqual([5, 5, 3]);
    expect(() => session.dispose()).not.toThrow();
  });

  it('that were freed are no gradients, nor are views from before the arena grew', async () => {
    const backend = await wasm();
    const w = backend.from([1, 2]);
    const optimizer = new SGD({}, backend);
    optimizer.build({ w });
    const [freed, grown] = [backend.from([1, 1]), backend.from([1, 1])];
    const views = [freed.data, grown.data];
    backend.free(freed);
    backend.from([8, 8]);
    expect((await failure(() => optimizer.apply({ w: freed }))).code).toBe('SGD_DETACHED');
    expect((await failure(() => optimizer.apply({ w: views[0]! }))).code).toBe('SGD_DETACHED');
    backend.zeros([1 << 16]);
    expect((await failure(() => optimizer.apply({ w: views[1]! }))).code).toBe('SGD_DETACHED');
    expect((await failure(() => optimizer.apply({ w: { data: views[1]!, shape: [2] } }))).code).toBe('SGD_DETACHED');
    expect(Array.from(w.data)).toEqual([1, 2]);
    expect(optimizer.apply({ w: grown })).toBe(true);
  });

  it('of another arena, and parts of tensors, are neither gradients nor variables', async () => {
    const [backend, other] = [await wasm(), await wasm()];
    const w = backend.from([1, 2]);
    const optimizer = new SGD({}, backend);
    optimizer.build({ w });
    const foreign = other.from([1, 1]);
    const part = backend.from([1, 1, 1]).data.subarray(1);
    for (const [value, words] of [
      [foreign, 'another arena'],
      [foreign.data, 'another arena'],
      [{ data: foreign.data, shape: [2] }, 'another arena'],
      [part, 'a part of'],
      [foreign.data.subarray(0), 'a part of'],
    ] as const) {
      const error = await failure(() => optimizer.apply({ w: value }));
      expect(error).toMatchObject({ code: 'SGD_GRADIENT_SHAPE', message: expect.stringContaining(words) });
      const built = await failure(() => new SGD({}, backend).build({ value }));
      expect(built.code).toBe('SGD_UNKNOWN_VARIABLE');
      expect(String(built.cause)).toContain(words);
    }
    expect(Array.from(w.data)).toEqual([1, 2]);
  });

  it('may be variables of two optimizers, one after the other', async () => {
    const backend = await wasm();
    const w = backend.from([1]);
    for (const wanted of [0.5, 0]) {
      const session = backend.open(program([variable(1)], { keeps: ['momentum'] }), [w]);
      session.step(update, [backend.from([1])], [0]);
      expect(w.data[0]).toBe(wanted);
      session.dispose();
    }
  });
});

describe('variables without a gradient in a step', () => {
  it('lose what they accumulated in an updating step, and are averaged in every one, also after a dropped step', async () => {
    const backend = await wasm();
    const arrays = [new Float32Array([1]), new Float32Array([2]), new Float32Array([3])];
    const made = program([variable(1), variable(1), variable(1, { overwrites: true })], {
      keeps: ['gradient_accumulator', 'average'],
      finiteCheck: true,
    });
    const session = backend.open(made, arrays);
    const step = { ...update, accumulationSteps: 2 };
    const one = new Float32Array([1]);
    const read = async (slot: 'gradient_accumulator' | 'average', index: number): Promise<number> =>
      (await session.read([{ slot, index }]))[0]![0]!;
    session.step({ ...step, phase: 'accumulate' }, [one, one], [1, 2]);
    expect([
      await read('gradient_accumulator', 0),
      await read('gradient_accumulator', 1),
      await read('gradient_accumulator', 2),
    ]).toEqual([0, 1, 1]);
    expect([await read('average', 0), await read('average', 1)]).toEqual([0.5, 1]);
    expect(session.step(step, [one, new Float32Array([NaN])], [1, 2])).toBe(false);
    session.step(step, [one], [0]);
    expect([
      await read('gradient_accumulator', 0),
      await read('gradient_accumulator', 1),
      await read('gradient_accumulator', 2),
    ]).toEqual([0, 0, 0]);
    expect([await read('average', 0), await read('average', 1)]).toEqual([0.625, 1.5]);
    expect(arrays.map((x) => x[0])).toEqual([0.75, 2, 3]);
  });
});

describe.each([
  ['a tensor', true],
  ['an ordinary array', false],
])('the constraint of %s', (_name, arena) => {
  it('sees its values and its shape, after everything else', async () => {
    const backend = await wasm({ reserve: 1 << 16 });
    const values = [1, -1, 1, -1];
    const w = arena ? backend.from(values, [2, 2]) : { data: new Float32Array(values), shape: [2, 2] };
    const seen: unknown[] = [];
    const constraint: ProgramVariable['constraint'] = (data, shape) => {
      seen.push(shape, Array.from(data));
      data.fill(7);
    };
    const made = program([variable(4, { shape: [2, 2], constraint })], { keeps: ['average', 'gradient_accumulator'] });
    const session = backend.open(made, [w]);
    const step = { ...update, averageMomentum: 0, averageOverwrite: true };
    session.step(step, [new Float32Array([2, 2, 2, 2])], [0]);
    session.step({ ...step, averageOverwrite: false, phase: 'accumulate' }, [new Float32Array(4)], [0]);
    expect(seen).toEqual([
      [2, 2],
      [0, -2, 0, -2],
      [2, 2],
      [7, 7, 7, 7],
    ]);
    expect(Array.from(w.data)).toEqual([7, 7, 7, 7]);
  });
});

it('constraints are not run for a variable without a gradient, nor for one that is overwritten', async () => {
  const backend = await wasm();
  const constraint: ProgramVariable['constraint'] = (data) => void data.fill(9);
  const arrays = [new Float32Array(1), new Float32Array(1), new Float32Array(1)];
  const made = program([variable(1), variable(1, { constraint }), variable(1, { constraint, overwrites: true })]);
  backend.open(made, arrays).step(update, [new Float32Array(1), new Float32Array([3])], [0, 2]);
  expect(arrays.map((x) => x[0])).toEqual([0, 0, 3]);
});
