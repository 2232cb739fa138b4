import { SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { f32, later, expectRefusal, expectRejection } from './helpers.ts';

const options = { learningRate: 1, useEma: true, emaMomentum: 0.5 };

function trained(more = {}) {
  const [x, y] = [f32(0), f32(0)];
  const optimizer = new SGD({ ...options, ...more }, cpu());
  optimizer.build({ x, y });
  return { x, y, optimizer };
}

describe('finalizeVariableValues', () => {
  it('assigns the averages', () => {
    const { x, optimizer } = trained();
    expectRefusal(() => optimizer.finalizeVariableValues(), 'SGD_NO_AVERAGES', /before the first step/);
    optimizer.apply([f32(1), f32(0)]); // x -1, average -1
    optimizer.apply([f32(1), f32(0)]); // x -2, average -1.5
    optimizer.finalizeVariableValues();
    expect(x[0]).toBe(-1.5);
  });

  it('does nothing without useEma', () => {
    const { x, optimizer } = trained({ useEma: false });
    expect(optimizer.finalizeVariableValues()).toBeUndefined();
    optimizer.apply([f32(1), f32(0)]);
    optimizer.finalizeVariableValues();
    expect(x[0]).toBe(-1);
  });

  it('takes the list of Keras, if it is the right one', () => {
    const { x, y, optimizer } = trained();
    optimizer.apply([f32(1), f32(0)]);
    optimizer.finalizeVariableValues([x, 'y']);
    expectRefusal(
      () => optimizer.finalizeVariableValues([x]),
      'SGD_INVALID_OPTION',
      /the 2 variables .* in that order, got Array of 1/,
    );
    expectRefusal(() => optimizer.finalizeVariableValues([y, x]), 'SGD_INVALID_OPTION');
    expectRefusal(() => optimizer.finalizeVariableValues([x, f32(0)]), 'SGD_UNKNOWN_VARIABLE');
  });
});

describe('swapAverages', () => {
  it('puts the averages in for evaluation, and out again', async () => {
    const { x, optimizer } = trained();
    expectRefusal(() => optimizer.swapAverages(), 'SGD_NO_AVERAGES');
    optimizer.apply([f32(1), f32(0)]);
    optimizer.apply([f32(1), f32(0)]);
    const state = await optimizer.getState();
    optimizer.swapAverages();
    expect(x[0]).toBe(-1.5);
    expect((await optimizer.readAll()).x).toEqual(f32(-1.5));
    expectRefusal(() => optimizer.apply([f32(1), f32(0)]), 'SGD_BUSY', /swapAverages\(\) first/);
    expectRefusal(() => optimizer.finalizeVariableValues(), 'SGD_BUSY');
    await expectRejection(optimizer.getState(), 'SGD_BUSY', /getState: averages/);
    await expectRejection(optimizer.setState(state), 'SGD_BUSY');
    optimizer.learningRate = 2;
    optimizer.swapAverages();
    expect(x[0]).toBe(-2);
    optimizer.apply([f32(1), f32(0)]);
    expect(x[0]).toBe(-4);
    optimizer.swapAverages();
    optimizer.dispose();
  });

  it('needs averages', async () => {
    const { optimizer } = trained({ useEma: false });
    optimizer.apply([f32(1), f32(0)]);
    expectRefusal(() => optimizer.swapAverages(), 'SGD_NO_AVERAGES', /without useEma/);
    const async = new SGD(options, later());
    await async.build([f32(0)]);
    await async.apply([f32(1)]);
    await async.swapAverages();
    await expectRejection(async.apply([f32(1)]), 'SGD_BUSY');
    await async.swapAverages();
    expect(await async.apply([f32(1)])).toBe(true);
  });
});

describe('emaOverwriteFrequency', () => {
  it('counts updates, and with accumulation holds for all micro-batches of one', () => {
    const { x, optimizer } = trained({ emaOverwriteFrequency: 2, gradientAccumulationSteps: 2 });
    const values = Array.from({ length: 6 }, () => {
      optimizer.apply([f32(1), f32(0)]);
      return x[0];
    });
    // updates at the 2nd, 4th and 6th; the average starts as x, moves at each call, and overwrites in the 3rd and 4th
    expect(values).toEqual([0, -1, -1, -1.5, -1.5, -2.5]);
  });
});

describe('a long average in float32', () => {
  /** The part of 1,000 averages that do not move towards weights which differ by `distance` of their size. */
  async function still(emaMomentum: number, distance: number): Promise<number> {
    const w = Float32Array.from({ length: 1000 }, (_, i) => 2 ** (i / 500 - 1));
    const none = new Float32Array(w.length);
    const optimizer = new SGD({ useEma: true, emaMomentum }, cpu());
    optimizer.build({ w });
    optimizer.apply({ w: none });
    const start = w.slice();
    w.forEach((x, i) => (w[i] = x * (1 + distance)));
    optimizer.apply({ w: none });
    const { average } = (await optimizer.getState()).slots['w']!;
    return start.filter((x, i) => average![i]! <= x).length / start.length;
  }

  // what docs/options/averages.md says: at most, and on average
  it.each([
    [0.99, 1.2e-5, 4.3e-6],
    [0.999, 1.2e-4, 4.3e-5],
    [0.9999, 1.2e-3, 4.3e-4],
    [0.99999, 1.2e-2, 4.3e-3],
  ])('with a momentum of %s stands still near the weights', async (emaMomentum, most, mean) => {
    expect(await still(emaMomentum, most)).toBe(0);
    expect(await still(emaMomentum, 0.9 * most)).toBeGreaterThan(0);
    const parts = await Promise.all(Array.from({ length: 24 }, (_, i) => still(emaMomentum, ((i + 0.5) / 24) * most)));
    const average = (parts.reduce((a, b) => a + b) / 24) * most;
    expect(Math.abs(average / mean - 1)).toBeLessThan(0.1);
  });
});
