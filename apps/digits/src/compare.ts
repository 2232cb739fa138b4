import type { Values } from './weights.ts';

/** How two sets of weights differ, rounded to float32. */
export interface Difference {
  /** Elements in all. */
  readonly elements: number;
  /** Elements that differ. */
  readonly differing: number;
  /** The largest distance, in float32 numbers from one to the other (0: the same bits); `null` when one of the two is NaN. */
  readonly maxUlp: number | null;
  /** Where the largest distance is; `null` when nothing differs. */
  readonly at: { readonly variable: string; readonly index: number; readonly values: readonly [number, number] } | null;
}

/** Compares all elements. NaN beside a number counts as further apart than any two numbers. */
export function compareWeights(first: Values, second: Values): Difference {
  let elements = 0;
  let differing = 0;
  let furthest = 0;
  let at: Difference['at'] = null;
  for (const [variable, data] of Object.entries(first)) {
    const a = Float32Array.from(data);
    const b = Float32Array.from(second[variable] ?? []);
    const distances = ulpDistances(a, b);
    elements += a.length;
    for (let index = 0; index < a.length; index++) {
      const distance = distances(index);
      if (distance === 0) continue;
      differing++;
      if (distance <= furthest) continue;
      furthest = distance;
      at = { variable, index, values: [a[index] as number, b[index] as number] };
    }
  }
  return { elements, differing, maxUlp: Number.isFinite(furthest) ? furthest : null, at };
}

/** Whether all elements have the same bits in float32. */
export function sameWeights(first: Values, second: Values): boolean {
  return Object.entries(first).every(([variable, data]) => {
    const other = second[variable];
    return data.every((value, index) => Object.is(Math.fround(value), Math.fround(other?.[index] ?? Number.NaN)));
  });
}

/** In one sentence. */
export function differenceText({ elements, differing, maxUlp, at }: Difference): string {
  const all = elements.toLocaleString('en-US');
  if (at === null) return `the final weights are the same to the bit: all ${all} elements, 0 ulp`;
  const where = `${at.variable}[${at.index}]: ${at.values[0]} and ${at.values[1]}`;
  const howFar =
    maxUlp === null ? 'one is not a number where the other is' : `by at most ${maxUlp.toLocaleString('en-US')} ulp`;
  return `the final weights differ in ${differing.toLocaleString('en-US')} of ${all} elements, ${howFar} (${where})`;
}

/** Bits in the order of the numbers: neighbours are one apart, and +0 and -0 too. */
function ulpDistances(a: Float32Array, b: Float32Array): (index: number) => number {
  const bitsA = new Int32Array(a.buffer);
  const bitsB = new Int32Array(b.buffer);
  return (index) => {
    const x = a[index] as number;
    const y = b[index] as number;
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y) ? 0 : Infinity;
    return Math.abs(ordered(bitsA[index] as number) - ordered(bitsB[index] as number));
  };
}

function ordered(bits: number): number {
  return bits < 0 ? -(bits & 0x7fff_ffff) - 1 : bits;
}
