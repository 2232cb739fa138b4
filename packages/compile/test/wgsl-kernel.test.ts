import { FIGURE, MOST_PARTS, wgslFiniteCheck, WgslKernel, workgroupsOf } from '@sgd/compile';
import { makeKernel, makeTracer } from '@sgd/core/engine';
import { describe, expect, it } from 'vitest';

/** `x = x - rate * g / |g|`, where the norm is looked at. */
function clipped(isGuarded: boolean): WgslKernel {
  const ops = makeTracer();
  const [x, g] = [ops.tensor('variable'), ops.tensor('gradient')];
  const norm = ops.sqrt(ops.sum(ops.mul(g, g)));
  const variable = ops.sub(x, ops.mul(ops.scalar('rate'), ops.div(g, norm)));
  const kernel = makeKernel({ assignments: { variable }, norms: [norm] });
  return new WgslKernel(kernel, { scalars: ['rate'], lanes: 4, isGuarded });
}

describe('a kernel in WGSL', () => {
  it('sums before it writes, and binds what each program uses', () => {
    const { reading, writing, figures } = clipped(false);
    expect(figures).toBe(1);
    expect(reading.map(({ bindings }) => bindings.map(({ source, name, type }) => `${source}${name} ${type}`))).toEqual(
      [['parameters uniform', 'figures storage', 'tensorgradient read-only-storage']],
    );
    expect(writing!.bindings.map(({ source, name, type }) => `${source}${name} ${type}`)).toEqual([
      'parameters uniform',
      'numbers uniform',
      'figures read-only-storage',
      'tensorvariable storage',
      'tensorgradient read-only-storage',
    ]);
    expect(writing!.code).not.toContain(`figures[${FIGURE.dropped}]`);
  });

  it('that is guarded drops the step by its norms, and then writes nothing', () => {
    const { reading, writing } = clipped(true);
    expect(reading).toHaveLength(2);
    expect(reading[1]!.code).toContain(`figures[${FIGURE.dropped}] = 1;`);
    expect(writing!.code).toContain(`let goes = figures[${FIGURE.dropped}] == 0;`);
  });

  it('runs in no more workgroups than every device has in a row, and no more than there are parts of sums', () => {
    const { reading, writing } = clipped(false);
    const [reads, writes] = [reading[0]!, writing!];
    expect([0, 1, 256, 257, 2 ** 30].map((count) => workgroupsOf(writes, count))).toEqual([0, 1, 1, 2, 65_535]);
    expect([0, 1, 256, 257, 2 ** 30].map((count) => workgroupsOf(reads, count))).toEqual([1, 1, 1, 2, MOST_PARTS]);
    expect(workgroupsOf(reads.gather!, 2 ** 30)).toBe(1);
    expect(workgroupsOf(wgslFiniteCheck(1), 2 ** 30)).toBe(65_535);
  });
});
