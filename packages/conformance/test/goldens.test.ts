import { describe, expect, it } from 'vitest';
import { bitsOf, findMovedFloat, hashedFloats } from '../src/goldens/bits.ts';
import type { TrajectoryCase } from '../src/goldens/format.ts';
import { builtinGoldens, digestFinding, openGoldens } from '../src/goldens/open.ts';
import { neighbour, roundToHalf, ulpsBetween } from '../src/numbers.ts';

const goldens = openGoldens(builtinGoldens());
const trajectories = goldens.files.flatMap((file) => (file.kind === 'trajectories' ? file.cases : []));

describe('the goldens that come with the package', () => {
  it('are as their manifest says', async () => {
    expect(goldens.findings).toEqual([]);
    expect(goldens.unlisted).toEqual([]);
    expect(goldens.files.length).toBe(10);
    for (const file of goldens.files) expect(await digestFinding(goldens, file.name)).toBeNull();
  });

  it('have the bits that the recorder hashed, float16 and float64 included', () => {
    expect(trajectories.length).toBe(196);
    for (const test of trajectories) expect([test.id, bitsOf(test)]).toEqual([test.id, test.bits]);
  });
});

describe('findMovedFloat', () => {
  it('finds the one float that was moved by an ulp, wherever it stands', () => {
    const test = trajectories.find(({ id }) => id === 'edge-000-none-grads')!;
    for (const at of [0, 9, 25, 60, hashedFloats(test).length - 1]) {
      const altered = structuredClone(test) as TrajectoryCase;
      const { path, value } = hashedFloats(altered)[at]!;
      let parent = altered as unknown as Record<string | number, unknown>;
      for (const key of path.slice(0, -1)) parent = parent[key] as typeof parent;
      parent[path.at(-1)!] = neighbour(Math.fround(value), 1, 'float32');
      const found = findMovedFloat(altered)!;
      expect(found.place.path).toEqual(path);
      expect(found.moved).toBe(Math.fround(value));
    }
    expect(findMovedFloat({ ...test, bits: '00000000' })).toBeNull();
  });
});

describe('numbers', () => {
  it('counts ulps across zero and to infinity', () => {
    expect(ulpsBetween(1, 1 + 2 ** -23, 'float32')).toBe(1);
    expect(ulpsBetween(2 ** -149, -(2 ** -149), 'float32')).toBe(2);
    expect(ulpsBetween(0, -0, 'float64')).toBe(0);
    expect(ulpsBetween(3.4028234663852886e38, Infinity, 'float32')).toBe(1);
    expect(ulpsBetween(NaN, NaN, 'float64')).toBe(0);
    expect(ulpsBetween(NaN, 1, 'float64')).toBe(Infinity);
    expect(neighbour(0, -1, 'float64')).toBe(-Number.MIN_VALUE);
    expect(neighbour(1, 1, 'float64')).toBe(1 + Number.EPSILON);
  });

  it('rounds to half precision, ties to even', () => {
    expect(roundToHalf(1 + 2 ** -11)).toBe(1);
    expect(roundToHalf(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
    expect(roundToHalf(65519)).toBe(65504);
    expect(roundToHalf(65520)).toBe(Infinity);
    expect(roundToHalf(2 ** -25)).toBe(0);
    expect(roundToHalf(-(2 ** -24) * 1.5)).toBe(-(2 ** -23));
    expect(roundToHalf(0.1)).toBe(0.0999755859375);
  });
});
