import { type FloatArray, SgdError } from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import conformance from '@sgd/cpu/conformance';
import { describe, expect, it } from 'vitest';
import { program, variable } from '../../../tests/support/programs.ts';
import { foreign } from '../../../tests/support/realm.ts';

describe('the backend', () => {
  it('claims the same bits, and every feature', () => {
    const backend = cpu();
    expect([backend.contract, backend.name, backend.mode]).toEqual([2, 'cpu', 'sync']);
    expect(backend.tolerance).toEqual({ rtol: 0, atol: 0 });
    expect([...backend.supports].sort()).toEqual([
      'accumulation',
      'average',
      'clip-global-norm',
      'clip-norm',
      'clip-value',
      'constraint',
      'finite-check',
      'float64',
      'groups',
      'measure',
      'overwrite',
      'pow',
      'sum',
      'weight-decay',
    ]);
  });

  it.each(['variable', 'gradient'] as const)('makes a %s of its own, of the type of the values', (kind) => {
    for (const data of [new Float32Array([1, 2]), new Float64Array([1, 2])]) {
      const made = cpu()[kind]({ data, shape: [2, 1], name: 'w' }) as { data: FloatArray };
      expect(made).toEqual({ data, shape: [2, 1], name: 'w' });
      expect(made.data.buffer).not.toBe(data.buffer);
      cpu().free(made as CpuVariable);
    }
  });
});

describe('a variable', () => {
  it.each<[string, CpuVariable, object]>([
    ['a bare array', new Float32Array(3), { shape: [3], dtype: 'float32' }],
    ['a bare float64 array', new Float64Array(2), { shape: [2], dtype: 'float64' }],
    ['an array of another realm', foreign('new Float32Array(3)'), { shape: [3], dtype: 'float32' }],
    ['a scalar', { data: new Float32Array(1), shape: [] }, { shape: [], dtype: 'float32' }],
    ['nothing', { data: new Float32Array(0), shape: [3, 0] }, { shape: [3, 0], dtype: 'float32' }],
    ['a name', { data: new Float32Array(6), shape: [2, 3], name: 'w' }, { name: 'w', shape: [2, 3], dtype: 'float32' }],
    ['another type, which core refuses', new Int32Array(2) as unknown as FloatArray, { shape: [2], dtype: 'int32' }],
    ['another type', new Uint8ClampedArray(2) as unknown as FloatArray, { shape: [2], dtype: 'uint8clamped' }],
  ])('%s', (_name, given, described) => {
    expect(cpu().describe(given)).toEqual(described);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a number', 3],
    ['a plain array', [1, 2]],
    ['an object', {}],
    ['an object without a prototype', Object.create(null)],
    ['a plain array with a shape', { data: [1, 2], shape: [2] }],
    ['a DataView', new DataView(new ArrayBuffer(4))],
    ['no shape', { data: new Float32Array(2) }],
    ['a shape of another size', { data: new Float32Array(2), shape: [3] }],
    ['negative lengths', { data: new Float32Array(6), shape: [-2, -3] }],
    ['broken lengths', { data: new Float32Array(6), shape: [1.5, 4] }],
    ['lengths that are no numbers', { data: new Float32Array(2), shape: ['2'] }],
  ])('throws for %s', (_name, given) => {
    expect(() => cpu().describe(given as CpuVariable)).toThrow(TypeError);
  });
});

describe('refuses', () => {
  const backend = cpu();
  const made = program([variable([2, 3]), variable([2], { dtype: 'float64' }), variable([0])]);

  it.each<[string, CpuGradient, number]>([
    ['a bare array', new Float32Array(6), 0],
    ['an array of the same shape', { data: new Float32Array(6), shape: [2, 3] }, 0],
    ['a float64 array for a float64 variable', new Float64Array(2), 1],
    ['no elements for no elements', new Float32Array(0), 2],
    ['an array of another realm', foreign('new Float32Array(6)'), 0],
  ])('not %s', (_name, gradient, index) => {
    expect(backend.refuses(gradient, index, made)).toBe(null);
  });

  const detached = new Float32Array(6);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  it.each<[string, unknown, number, RegExp]>([
    ['another length', new Float32Array(5), 0, /Float32Array of length 5, shape \[5\]/],
    ['another shape', { data: new Float32Array(6), shape: [3, 2] }, 0, /shape \[3,2\]/],
    ['another rank', { data: new Float32Array(6), shape: [6] }, 0, /shape \[6\]/],
    ['a longer shape', { data: new Float32Array(6), shape: [2, 3, 1] }, 0, /shape \[2,3,1\]/],
    ['too few values for its shape', { data: new Float32Array(5), shape: [2, 3] }, 0, /length 5, shape \[2,3\]/],
    ['no shape', { data: new Float32Array(6) }, 0, /shape \[undefined\]/],
    ['float64 for float32', new Float64Array(6), 0, /Float64Array/],
    ['float32 for float64', new Float32Array(2), 1, /Float32Array/],
    ['integers', new Int32Array(6), 0, /Int32Array/],
    ['integers for float64', new Uint16Array(2), 1, /Uint16Array/],
    ['a plain array', [1, 2, 3, 4, 5, 6], 0, /Array of length 6/],
    ['a plain array with a shape', { data: [1, 2, 3, 4, 5, 6], shape: [2, 3] }, 0, /Array of length 6/],
    ['an object', {}, 0, /Object/],
    ['an object without a prototype', Object.create(null), 0, /^Object of length undefined/],
    ['a number', 1, 0, /Number/],
    ['a detached array', detached, 0, /length 0/],
  ])('%s', (_name, gradient, index, words) => {
    const refused = backend.refuses(gradient as CpuGradient, index, made);
    expect(refused).toMatch(words);
  });
});

describe('the conformance entry', () => {
  it.each([undefined, 'float32'])('%s is cpu()', (variant) => {
    const made = conformance(variant).variable({ data: new Float32Array(1), shape: [1] }) as { data: FloatArray };
    expect(made.data).toBeInstanceOf(Float32Array);
  });

  it('float64 widens variables and gradients', () => {
    const backend = conformance('float64');
    const values = { data: new Float32Array([0.1]), shape: [1], name: 'w' };
    const wide = { data: new Float64Array([Math.fround(0.1)]), shape: [1], name: 'w' };
    expect(backend.variable(values)).toEqual(wide);
    expect(backend.gradient(values)).toEqual(wide);
    expect(backend.tolerance.rtol).toBeGreaterThan(2 ** -24); // of float32, which it no longer rounds to
  });

  it('another variant is refused by name', () => {
    expect(() => conformance('float16')).toThrow(SgdError);
    expect(() => conformance('float16')).toThrow(expect.objectContaining({ code: 'SGD_INVALID_OPTION' }));
    expect(() => conformance('float16')).toThrow(/"float32", "jitless" and "float64".*"float16"/);
  });
});
