import { SGD, SgdError } from '@sgd/core';
import { wasm, type WasmGradient, type WasmVariable } from '@sgd/wasm';
import conformance from '@sgd/wasm/conformance';
import { describe, expect, it } from 'vitest';
import { program, variable } from '../../../tests/support/programs.ts';
import { foreign } from '../../../tests/support/realm.ts';

const backend = await wasm({ reserve: 1 << 16 });

describe('the backend', () => {
  it('claims the same bits, and every feature but float64', () => {
    expect([backend.contract, backend.name, backend.mode]).toEqual([2, 'wasm', 'sync']);
    expect(backend.tolerance).toEqual({ rtol: 0, atol: 0 });
    expect([...backend.supports].sort()).toEqual([
      'accumulation',
      'average',
      'clip-global-norm',
      'clip-norm',
      'clip-value',
      'constraint',
      'finite-check',
      'groups',
      'measure',
      'overwrite',
      'pow',
      'sum',
      'weight-decay',
    ]);
  });

  it.each(['variable', 'gradient'] as const)('makes a %s in the arena', (kind) => {
    const data = new Float32Array([1, 2]);
    const made = backend[kind]({ data, shape: [2, 1], name: 'w' });
    expect(made).toMatchObject({ data, shape: [2, 1], name: 'w' });
    backend.free(made);
    expect(() => backend.describe(made)).toThrow(/was freed/);
  });

  it('refuses float64 variables, by core', () => {
    const build = (): unknown => new SGD({}, backend).build({ w: new Float64Array(2) });
    expect(build).toThrow(expect.objectContaining({ code: 'SGD_UNSUPPORTED' }));
  });
});

describe('a variable', () => {
  it.each<[string, WasmVariable, object]>([
    ['a tensor', backend.from([1, 2], [1, 2], 'w'), { name: 'w', shape: [1, 2], dtype: 'float32' }],
    ['its view', backend.from([1, 2], [1, 2], 'w').data, { shape: [2], dtype: 'float32' }],
    ['a bare array', new Float32Array(3), { shape: [3], dtype: 'float32' }],
    ['an array of another realm', foreign('new Float32Array(3)'), { shape: [3], dtype: 'float32' }],
    ['a scalar', { data: new Float32Array(1), shape: [] }, { shape: [], dtype: 'float32' }],
    ['nothing', { data: new Float32Array(0), shape: [3, 0] }, { shape: [3, 0], dtype: 'float32' }],
    ['a name', { data: new Float32Array(6), shape: [2, 3], name: 'w' }, { name: 'w', shape: [2, 3], dtype: 'float32' }],
    ['another type, which core refuses', new Float64Array(2), { shape: [2], dtype: 'Float64Array' }],
  ])('%s', (_name, given, described) => {
    expect(backend.describe(given)).toEqual(described);
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['a number', 3, 'Number'],
    ['a plain array', [1, 2], 'Array of length 2'],
    ['an object', {}, 'Object'],
    ['an object without a prototype', Object.create(null), 'Object of length undefined'],
    ['a plain array with a shape', { data: [1, 2], shape: [2] }, 'Array of length 2'],
    ['a DataView', new DataView(new ArrayBuffer(4)), 'DataView'],
    ['no shape', { data: new Float32Array(2) }, 'length 2, shape [undefined]'],
    ['a shape of another size', { data: new Float32Array(2), shape: [3] }, 'length 2, shape [3]'],
    ['negative lengths', { data: new Float32Array(6), shape: [-2, -3] }, 'shape [-2,-3]'],
    ['broken lengths', { data: new Float32Array(6), shape: [1.5, 4] }, 'shape [1.5,4]'],
  ])('throws for %s', (_name, given, words) => {
    const message = expect.stringContaining(words);
    expect(() => backend.describe(given as WasmVariable)).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(/^not a variable: /) }),
    );
    expect(() => backend.describe(given as WasmVariable)).toThrow(expect.objectContaining({ message }));
  });
});

describe('refuses', () => {
  const made = program([variable([2, 3]), variable([0]), variable([6])]);

  it.each<[string, WasmGradient, number]>([
    ['a tensor', backend.zeros([2, 3]), 0],
    ['the view of a tensor', backend.zeros([2, 3]).data, 0],
    ['a bare array', new Float32Array(6), 0],
    ['an array of the same shape', { data: new Float32Array(6), shape: [2, 3] }, 0],
    ['no elements for no elements', new Float32Array(0), 1],
    ['an array of another realm', foreign('new Float32Array(6)'), 0],
  ])('not %s', (_name, gradient, index) => {
    expect(backend.refuses(gradient, index, made)).toBe(null);
  });

  const detached = new Float32Array(6);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  it.each<[string, unknown, number, RegExp]>([
    ['a tensor of another shape', backend.zeros([2, 3]), 2, /length 6, shape \[2,3\]/],
    ['another length', new Float32Array(5), 0, /Float32Array of length 5, shape \[5\]/],
    ['another shape', { data: new Float32Array(6), shape: [3, 2] }, 0, /shape \[3,2\]/],
    ['a length more', { data: new Float32Array(6), shape: [2, 3, 1] }, 0, /shape \[2,3,1\]/],
    ['another rank', { data: new Float32Array(6), shape: [6] }, 0, /shape \[6\]/],
    ['too few values for its shape', { data: new Float32Array(5), shape: [2, 3] }, 0, /length 5, shape \[2,3\]/],
    ['no shape', { data: new Float32Array(6) }, 0, /shape \[undefined\]/],
    ['float64', new Float64Array(6), 0, /Float64Array/],
    ['integers', new Int32Array(6), 0, /Int32Array/],
    ['a plain array', [1, 2, 3, 4, 5, 6], 0, /Array of length 6/],
    ['an object', {}, 0, /Object/],
    ['an object without a prototype', Object.create(null), 0, /^Object of length undefined/],
    ['a number', 1, 0, /Number/],
    ['a detached array', detached, 0, /length 0/],
  ])('%s', (_name, gradient, index, words) => {
    expect(backend.refuses(gradient as WasmGradient, index, made)).toMatch(words);
  });
});

describe('the conformance entry', () => {
  it.each([undefined, 'arena'])('%s is wasm()', async (variant) => {
    const made = await conformance(variant);
    const tensor = made.variable({ data: new Float32Array(1), shape: [1] });
    made.free(tensor);
    expect(() => made.describe(tensor)).toThrow(SgdError);
  });

  it('arrays makes ordinary arrays', async () => {
    const made = await conformance('arrays');
    const data = new Float32Array([1]);
    for (const kind of ['variable', 'gradient'] as const) {
      const tensor = made[kind]({ data, shape: [1], name: 'w' });
      expect(tensor).toEqual({ data, shape: [1], name: 'w' });
      expect((tensor as { data: Float32Array }).data).not.toBe(data);
    }
  });

  it('another variant is refused by name', async () => {
    await expect(conformance('threads')).rejects.toMatchObject({
      code: 'SGD_INVALID_OPTION',
      message: expect.stringMatching(/"arena" and "arrays".*"threads"/),
    });
  });
});
