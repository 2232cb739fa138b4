import { describe, expect, it } from 'vitest';
import { centred, SIDE } from '../src/view/centre.ts';

/** A picture of `size` x `size` in which a rectangle is black. */
function rectangle(size: number, left: number, top: number, width: number, height: number) {
  const values = new Float32Array(size * size);
  for (let y = top; y < top + height; y++) values.fill(1, y * size + left, y * size + left + width);
  return { width: size, height: size, values };
}

/** Where ink is: first and last column, first and last row, and the centre of mass. */
function inkOf(pixels: Float32Array) {
  const at = [...pixels.keys()].filter((i) => pixels[i]! > 0.05);
  const columns = at.map((i) => i % SIDE);
  const rows = at.map((i) => Math.floor(i / SIDE));
  const mass = pixels.reduce((sum, value) => sum + value, 0);
  return {
    width: Math.max(...columns) - Math.min(...columns) + 1,
    height: Math.max(...rows) - Math.min(...rows) + 1,
    x: pixels.reduce((sum, value, i) => sum + value * (i % SIDE), 0) / mass,
    y: pixels.reduce((sum, value, i) => sum + value * Math.floor(i / SIDE), 0) / mass,
  };
}

describe('a drawing as the network gets it', () => {
  it.each([
    [0, 0, 140, 280, 10, 20],
    [200, 240, 60, 20, 20, 7],
    [120, 30, 20, 200, 2, 20],
    [139, 139, 1, 1, 20, 20],
  ])('is fitted into 20 x 20, in the middle: %i, %i, %i x %i', (left, top, width, height, columns, rows) => {
    const ink = inkOf(centred(rectangle(280, left, top, width, height))!);
    expect([ink.width, ink.height]).toEqual([columns, rows]);
    expect(Math.abs(ink.x - 13.5)).toBeLessThanOrEqual(0.5);
    expect(Math.abs(ink.y - 13.5)).toBeLessThanOrEqual(0.5);
  });

  it('is nothing without ink', () => {
    expect(centred(rectangle(280, 0, 0, 0, 0))).toBeNull();
  });
});
