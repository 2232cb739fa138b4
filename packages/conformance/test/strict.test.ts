import { LossScaleOptimizer, SGD, type Step } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { program, update, variable } from '../../../tests/support/programs.ts';
import { strict } from '../src/index.ts';

const plain = program([variable(2, { path: 'x' })]);
const step: Step = { ...update, rates: [{ learningRate: 1, weightDecay: 0, options: [0] }] };
const values = (...data: number[]) => ({ data: Float32Array.from(data), shape: [data.length] });

describe('strict', () => {
  it('replaces the handles at each step, and poisons the old ones', async () => {
    const backend = strict(cpu());
    const x = backend.variable(values(1, 2));
    const optimizer = new SGD({ learningRate: 1 }, backend);
    await optimizer.build({ x });
    const before = optimizer.trainableVariable('x');
    await optimizer.apply([backend.gradient(values(1, 1))]);
    expect(() => before.value).toThrow(/stale: a step replaced it/);
    expect(() => backend.describe(before)).toThrow(expect.objectContaining({ code: 'SGD_DETACHED' }));
    expect(optimizer.trainableVariable('x')).not.toBe(before);
    expect(optimizer.trainableVariable('x').value).toMatchObject({ data: Float32Array.of(0, 1) });
  });

  it('keeps the handles when a step is dropped', async () => {
    const backend = strict(cpu());
    const optimizer = new LossScaleOptimizer(new SGD({}, backend));
    await optimizer.build([backend.variable(values(1, 2))]);
    const [before] = optimizer.trainableVariables;
    expect(await optimizer.apply([backend.gradient(values(1, NaN))])).toBe(false);
    expect(optimizer.trainableVariables[0]).toBe(before);
  });

  it('poisons what was freed', async () => {
    const backend = strict(cpu());
    const gradient = backend.gradient(values(1, 1));
    backend.free(gradient);
    const optimizer = new SGD({}, backend);
    await optimizer.build([backend.variable(values(1, 2))]);
    await expect(optimizer.apply([gradient])).rejects.toThrow(/stale: it was freed/);
    expect(() => backend.free(gradient)).toThrow(/freed/);
  });

  it('refuses handles that it did not make', async () => {
    const backend = strict(cpu());
    expect(() => backend.describe({ value: Float32Array.of(1) })).toThrow(/not a variable of a strict backend/);
    expect(backend.refuses({ value: Float32Array.of(1, 2) }, 0, plain)).toMatch(/no gradient of/);
  });

  it('rejects calls that overlap', async () => {
    const backend = strict(cpu());
    const session = await backend.open(plain, [backend.variable(values(1, 2))]);
    const gradient = backend.gradient(values(1, 1));
    const first = session.step(step, [gradient], [0]);
    const seconds = [
      session.step(step, [gradient], [0]),
      session.write([]),
      session.averages('swap'),
      session.dispose(),
    ];
    for (const result of await Promise.allSettled(seconds))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'SGD_BUSY' } });
    expect(await first).toBe(true);
    expect(await session.step(step, [gradient], [0])).toBe(true);
  });

  it('takes its time in every call', async () => {
    let delays = 0;
    const backend = strict(cpu(), { delay: async () => void delays++ });
    const session = await backend.open(plain, [backend.variable(values(1, 2))]);
    await session.step(step, [backend.gradient(values(1, 1))], [0]);
    await session.read([]);
    await session.dispose();
    expect(delays).toBeGreaterThanOrEqual(5);
  });

  it('finds a loop that keeps handles', async () => {
    // works on cpu, where variables stay what they are; on a strict backend it does not
    const loop = async <V, G>(backend: import('@sgd/core').Backend<V, G>): Promise<void> => {
      const optimizer = new SGD<V, G>({}, backend);
      const x = backend.variable(values(1, 2));
      await optimizer.build([x]);
      await optimizer.apply([backend.gradient(values(1, 1))]);
      backend.describe(x);
    };
    await expect(loop(cpu())).resolves.toBeUndefined();
    await expect(loop(strict(cpu()))).rejects.toMatchObject({ code: 'SGD_DETACHED' });
  });
});
