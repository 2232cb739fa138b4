import { makeKernel, makeTracer, OPERATIONS, RESERVED_NAMES, TracedValue } from '@sgd/core/engine';
import { describe, expect, it } from 'vitest';
import { sgd } from '../../src/rules/sgd.ts';

const code = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'nothing was thrown';
};

describe('a traced value', () => {
  it('is the same for the same operation on the same values', () => {
    const ops = makeTracer();
    const x = ops.tensor('x');
    const one = ops.constant(1);
    expect(ops.add(x, one)).toBe(ops.add(ops.tensor('x'), ops.constant(1)));
    expect(ops.add(x, one)).not.toBe(ops.add(one, x));
    expect(ops.scalar('x')).not.toBe(x);
  });

  it('tells apart the numbers that text or === would merge', () => {
    const ops = makeTracer();
    const numbers = [0, -0, NaN, Infinity, -Infinity, 1, -1, 2 ** -1074];
    const values = numbers.map((number) => ops.constant(number));
    expect(new Set(values).size).toBe(numbers.length);
    expect(values.map((value) => value.number)).toEqual(numbers);
  });

  it('refuses to be a number or text', () => {
    const x = makeTracer().tensor('x') as unknown as number;
    expect(code(() => x < 1)).toBe('SGD_INVALID_OPTION');
    expect(code(() => x + 1)).toBe('SGD_INVALID_OPTION');
    expect(code(() => `${x}`)).toBe('SGD_INVALID_OPTION');
    expect(code(() => Math.sqrt(x))).toBe('SGD_INVALID_OPTION');
  });

  it.each(OPERATIONS)('%s takes values only', (kind) => {
    const ops = makeTracer();
    const operation = ops[kind] as (...operands: unknown[]) => TracedValue;
    const x = ops.tensor('x');
    expect(operation(x, x, x).kind).toBe(kind);
    for (const bad of [1, undefined, null, {}, 'x'])
      expect(code(() => operation(bad, x, x))).toBe('SGD_INVALID_OPTION');
  });

  it('of ops.constant is made of a number', () => {
    const ops = makeTracer() as unknown as { constant(value: unknown): unknown };
    for (const bad of ['1', null, undefined, 1n]) expect(code(() => ops.constant(bad))).toBe('SGD_INVALID_OPTION');
  });

  it('differs from element to element where a tensor enters, and a sum ends that', () => {
    const ops = makeTracer();
    const x = ops.tensor('x');
    expect([x.isWide, ops.constant(1).isWide, ops.scalar('s').isWide]).toEqual([true, false, false]);
    const sum = ops.sum(ops.mul(x, x));
    expect([sum.isWide, sum.level]).toEqual([false, 1]);
    const scaled = ops.div(x, sum);
    expect([scaled.isWide, scaled.level, ops.sum(scaled).level]).toEqual([true, 1, 2]);
  });
});

describe('a kernel', () => {
  it('writes in one pass, and drops a tensor that keeps its values', () => {
    const ops = makeTracer();
    const x = ops.tensor('x');
    const kernel = makeKernel({ assignments: { x: ops.add(x, ops.constant(1)), y: ops.tensor('y') } });
    expect(kernel.tensors).toEqual(['x']);
    expect(kernel.passes.map((pass) => pass.stores.length)).toEqual([1]);
    expect(makeKernel({ assignments: { x } }).passes).toEqual([]);
  });

  it('sums first, in as many passes as sums need each other', () => {
    const ops = makeTracer();
    const x = ops.tensor('x');
    const norm = ops.sqrt(ops.sum(ops.mul(x, x)));
    const unit = ops.div(x, norm);
    const mean = ops.sum(unit);
    const kernel = makeKernel({ assignments: { x: ops.sub(unit, mean) }, results: [norm] });
    expect(kernel.passes.map(({ sums, stores }) => [sums.length, stores.length])).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
    ]);
    // the writing pass takes the sums as numbers
    expect(kernel.passes[2]!.wide.map((value) => value.kind)).toEqual(['tensor', 'div', 'sub']);
  });

  it('takes two sums that do not need each other in one pass', () => {
    const ops = makeTracer();
    const [x, g] = [ops.tensor('x'), ops.tensor('g')];
    const ratio = ops.div(ops.sum(ops.mul(x, x)), ops.sum(ops.mul(g, g)));
    const kernel = makeKernel({ assignments: { x: ops.mul(g, ratio) } });
    expect(kernel.passes.map((pass) => pass.sums.length)).toEqual([2, 0]);
  });
});

describe('the rule of SGD', () => {
  it('has a slot with momentum only, under a name that is free', () => {
    expect(sgd.slots({ momentum: 0, nesterov: true })).toEqual([]);
    const [slot] = sgd.slots({ momentum: 0.9, nesterov: false });
    expect(slot).toEqual({ name: 'momentum' });
    expect(RESERVED_NAMES).not.toContain(slot!.name);
  });
});
