import { type Kernel, makeKernel, makeTracer, OPERATIONS } from '@sgd/core/engine';
import { WasmProgram } from '@sgd/compile';
import type { FloatArray } from '@sgd/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputs, interpret, kernelOf, recipes, SCALARS, TENSORS } from './random-kernels.ts';
import { PLACED, type Placing, WasmRunner } from './wasm-runner.ts';

const close = (a: number, b: number): boolean => Object.is(a, b) || Math.abs(a - b) <= 1e-12 * Math.abs(b);

function wantSame(
  kernel: Kernel,
  dtype: 'float32' | 'float64',
  tensors: readonly FloatArray[],
  scalars: readonly number[],
  placing: Placing,
): void {
  const expected = interpret(kernel, dtype, tensors, scalars);
  const actual = new WasmRunner(kernel, dtype, placing).run(tensors, scalars)!;
  // a gradient in pieces is not written
  const shown = TENSORS.filter((name) => !(placing.isFed && name === 'gradient'));
  for (const name of shown) {
    const index = TENSORS.indexOf(name);
    expect(actual.tensors[index], name).toEqual(expected.tensors[index]);
  }
  expect(actual.results).toEqual(expected.results);
  expect(close(actual.observed, expected.observed), `${actual.observed} ${expected.observed}`).toBe(true);
}

const placings: fc.Arbitrary<Placing> = fc.record({ shift: fc.constantFrom(0, 4, 8, 12, 20) });

describe.each(['float32', 'float64'] as const)('random kernels of %s', (dtype) => {
  it('the bits of element by element', () => {
    fc.assert(
      fc.property(recipes(OPERATIONS), inputs(dtype), placings, (recipe, { tensors, scalars }, placing) => {
        const shift = dtype === 'float32' ? placing.shift! : placing.shift! & ~7;
        wantSame(kernelOf(recipe), dtype, tensors, scalars, { shift });
      }),
      { numRuns: 500, endOnFailure: true },
    );
  });

  it('with a gradient that comes in pieces', () => {
    fc.assert(
      fc.property(recipes(OPERATIONS), inputs(dtype), (recipe, { tensors, scalars }) => {
        const kernel = kernelOf({
          ...recipe,
          stores: recipe.stores.map((at, i) => (TENSORS[i] === 'gradient' ? null : at)),
        });
        wantSame(kernel, dtype, tensors, scalars, { isFed: true });
      }),
      { numRuns: 300, endOnFailure: true },
    );
  });
});

/** One magnitude, so that each addition rounds. */
const values = (dtype: 'float32' | 'float64', length: number, seed: number): FloatArray => {
  const array = dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  return array.map((_, i) => 1 + Math.sin(7 * seed + i));
};
const tensorsOf = (dtype: 'float32' | 'float64', length: number): FloatArray[] =>
  TENSORS.map((_, i) => values(dtype, length, i));

/** Sums twice, one after the other, and writes what follows. */
const normalized = (): Kernel => {
  const ops = makeTracer();
  const [x, g] = [ops.tensor('variable'), ops.tensor('gradient')];
  const norm = ops.sqrt(ops.sum(ops.mul(g, g)));
  const clipped = ops.div(g, norm);
  const [p, q] = [ops.sum(ops.mul(x, x)), ops.sum(ops.mul(clipped, x))];
  const step = ops.mul(clipped, ops.div(p, q));
  return makeKernel({
    assignments: { variable: ops.sub(x, ops.mul(step, ops.scalar('learningRate'))) },
    results: [p, q],
    norms: [norm],
    observations: [{ measure: 'gradient-norm', value: g, minus: null }],
  });
};

describe.each(['float32', 'float64'] as const)('%s of any length', (dtype) => {
  const lengths = [
    ...Array.from({ length: 41 }, (_, n) => n),
    ...Array.from({ length: 24 }, (_, n) => 116 + n),
    ...Array.from({ length: 40 }, (_, n) => 240 + n),
  ].concat(500, 511, 512, 513, 520, 1000, 1001, 1007, 1023, 1024, 1025, 1032, 2047, 2049, 4097);
  it.each([
    ['in one place', false],
    ['in pieces', true],
  ])('is summed in numpy’s order, level by level, and written: %s', (_name, isFed) => {
    for (const n of lengths) wantSame(normalized(), dtype, tensorsOf(dtype, n), [0.1, 0.5, 0.25], { isFed });
  });

  it('is looked through for what is not finite, to the last element', () => {
    const ops = makeTracer();
    const moved = makeKernel({ assignments: { variable: ops.sub(ops.tensor('variable'), ops.tensor('gradient')) } });
    for (const n of lengths.filter((length) => length > 0)) {
      for (const isFed of [false, true]) {
        const looking = new WasmRunner(moved, dtype, { check: 'elements', isFed });
        expect(looking.run(tensorsOf(dtype, n), [0, 0, 0])).not.toBeNull();
        for (const special of [NaN, Infinity, -Infinity]) {
          const tensors = tensorsOf(dtype, n);
          tensors[TENSORS.indexOf('gradient')]![special === -Infinity ? 0 : n - 1] = special;
          expect(looking.run(tensors, [0, 0, 0]), `${n} elements`).toBeNull();
        }
      }
    }
  });

  it('has norms that are looked at', () => {
    const large = dtype === 'float32' ? 3e38 : 1e308;
    const checked = new WasmRunner(normalized(), dtype, { check: 'norms' });
    const elements = new WasmRunner(normalized(), dtype, { check: 'elements' });
    const unchecked = new WasmRunner(normalized(), dtype);
    const tensors = tensorsOf(dtype, 9);
    expect(checked.run(tensors, [1, 1, 1])).not.toBeNull();
    tensors[TENSORS.indexOf('gradient')]!.fill(large);
    expect(checked.run(tensors, [1, 1, 1])).toBeNull();
    expect(elements.run(tensors, [1, 1, 1])).not.toBeNull();
    tensors[TENSORS.indexOf('gradient')]![8] = NaN;
    expect(elements.run(tensors, [1, 1, 1])).toBeNull();
    expect(unchecked.run(tensors, [1, 1, 1])).not.toBeNull();
  });

  it('is divided by powers of two, and by all else', () => {
    const ops = makeTracer();
    const [g, x] = [ops.tensor('gradient'), ops.tensor('variable')];
    const quotient = ops.div(ops.add(ops.div(g, ops.scalar('learningRate')), x), ops.scalar('beta'));
    const kernel = makeKernel({ assignments: { momentum: quotient }, results: [ops.sum(quotient)] });
    const limits = dtype === 'float32' ? [127, 126, -126, -127, -149] : [1023, 1022, -1022, -1023, -1074];
    const divisors = [...limits.map((n) => 2 ** n), 0, -0, 1, 2, 3, 0.5, -2, NaN, Infinity, 2 ** 128];
    const tensors = tensorsOf(dtype, 21);
    tensors[0]!.set([0, -0, NaN, Infinity, 3e38, 1e-40, 2 ** -149, 2 ** -126]);
    tensors[1]!.set([0, -0, 1, -Infinity, 3e38, 1e-40, 2 ** -149, 3 * 2 ** -126]);
    for (const a of divisors) for (const b of divisors) wantSame(kernel, dtype, tensors, [a, b, 1], {});
  });
});

describe('code', () => {
  const scaled = (number: number, name: string): Kernel => {
    const ops = makeTracer();
    return makeKernel({ assignments: { [name]: ops.mul(ops.tensor(name), ops.constant(number)) } });
  };

  it('is shared by kernels that differ in constants alone', () => {
    const program = new WasmProgram({ scalars: SCALARS });
    const [a, b, c, d] = [
      program.add(scaled(2, 'variable'), 'float32', PLACED),
      program.add(scaled(3, 'variable'), 'float32', PLACED),
      program.add(scaled(3, 'momentum'), 'float32', PLACED),
      program.add(scaled(3, 'variable'), 'float64', PLACED),
    ] as const;
    expect(a.write).toBe(b.write);
    expect(new Set([a.write, c.write, d.write]).size).toBe(3);
    const sums = new WasmProgram({ scalars: SCALARS });
    const first = sums.add(normalized(), 'float32', PLACED, 'norms');
    const { length } = sums.bytes();
    expect(sums.add(normalized(), 'float32', PLACED, 'norms').reduce).toBe(first.reduce);
    expect(sums.bytes().length).toBe(length);
    expect(sums.add(normalized(), 'float32', PLACED, 'none').reduce).not.toBe(first.reduce);
  });

  it('of a kernel without work is none', () => {
    const program = new WasmProgram({ scalars: SCALARS });
    const none = program.add(makeKernel({ assignments: {} }), 'float32', PLACED);
    expect([none.reduce, none.write]).toEqual([0, 0]);
  });

  it('with scalars of float32 multiplies as with those of float64', () => {
    const ops = makeTracer();
    const kernel = makeKernel({
      assignments: { variable: ops.scale(ops.tensor('gradient'), ops.scalar('clipFactor')) },
    });
    const tensors = tensorsOf('float32', 37);
    const third = Math.fround(1 / 3);
    const [narrow, wide] = [false, true].map((hasWideFactor) =>
      new WasmRunner(kernel, 'float32', { hasWideFactor }).run(tensors, [0, 0, third]),
    );
    expect(narrow).toEqual(wide);
    const rounded = new WasmRunner(kernel, 'float32', { hasWideFactor: true }).run(tensors, [0, 0, 1 / 3]);
    expect(rounded).not.toEqual(wide);
    wantSame(kernel, 'float32', tensors, [0, 0, 1 / 3], {});
  });
});

describe('at the end of a memory of 4 GiB', () => {
  // never written, it costs address space and no memory
  const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536 });

  it.each(['float32', 'float64'] as const)('%s is summed and written', (dtype) => {
    for (let n = 0; n <= 40; n++) {
      const tensors = tensorsOf(dtype, n);
      const expected = interpret(normalized(), dtype, tensors, [0.1, 0.5, 0.25]);
      const room = 12544 + 3 * Math.ceil((n * tensors[0]!.BYTES_PER_ELEMENT) / 64) * 64;
      const placing = { start: 2 ** 32 - room, check: 'elements' } as const;
      const actual = new WasmRunner(normalized(), dtype, placing, memory).run(tensors, [0.1, 0.5, 0.25]);
      expect(actual!.tensors).toEqual(expected.tensors);
      expect(actual!.results).toEqual(expected.results);
    }
  });
});

it('tensors that change places are both read before they are written', () => {
  const ops = makeTracer();
  const [x, m] = [ops.tensor('variable'), ops.tensor('momentum')];
  const kernel = makeKernel({ assignments: { variable: m, momentum: x } });
  for (const n of [1, 7, 8, 9, 30]) wantSame(kernel, 'float32', tensorsOf('float32', n), [0, 0, 0], {});
});
