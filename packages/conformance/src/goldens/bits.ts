import { neighbour, roundTo, type GoldenType } from '../numbers.ts';
import { toNumber, type GoldenNumber, type TrajectoryCase } from './format.ts';

/** A float of a case, where it stands: `steps.2.grads.0.5`. */
export interface Place {
  readonly path: readonly (string | number)[];
  readonly value: number;
}

/** All floats of a case that its `bits` cover, in the order of the hash. */
export function hashedFloats(test: TrajectoryCase): Place[] {
  const places: Place[] = [];
  const add = (arrays: readonly (readonly GoldenNumber[] | null)[] | null | undefined, path: (string | number)[]) => {
    arrays?.forEach((array, index) =>
      array?.forEach((x, element) => places.push({ path: [...path, index, element], value: toNumber(x) })),
    );
  };
  test.variables.forEach((variable, index) =>
    variable.values.forEach((x, element) =>
      places.push({ path: ['variables', index, 'values', element], value: toNumber(x) }),
    ),
  );
  const recorded = new Map(test.expect.map((expectation, index) => [expectation.step, index]));
  test.steps.forEach((step, index) => {
    add(step.grads, ['steps', index, 'grads']);
    const at = recorded.get(index);
    if (at === undefined) return;
    for (const field of ['variables', 'momentums', 'accumulators', 'averages'] as const)
      add(test.expect[at]![field], ['expect', at, field]);
  });
  add(test.final?.variables, ['final', 'variables']);
  return places;
}

const prime = 0x01000193;
const buffer = new DataView(new ArrayBuffer(8));

function halfBits(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(x);
  if (magnitude === Infinity) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | (magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  return sign | ((exponent + 15) << 10) | ((magnitude / 2 ** exponent - 1) * 1024);
}

/** Writes the bytes that the hash goes over into `buffer`, little-endian, and gives their number; NaN counts as the quiet NaN. */
function writeFloat(x: number, dtype: GoldenType): number {
  const bytes = dtype === 'float16' ? 2 : dtype === 'float32' ? 4 : 8;
  if (Number.isNaN(x)) {
    buffer.setUint32(4, 0x7ff80000, true);
    buffer.setUint32(0, dtype === 'float16' ? 0x7e00 : dtype === 'float32' ? 0x7fc00000 : 0, true);
  } else if (dtype === 'float16') buffer.setUint16(0, halfBits(roundTo('float16', x)), true);
  else if (dtype === 'float32') buffer.setFloat32(0, x, true);
  else buffer.setFloat64(0, x, true);
  return bytes;
}

/** Goes on with an FNV-1a hash (32 bit) over a float. */
function hashFloat(hash: number, x: number, dtype: GoldenType): number {
  const bytes = writeFloat(x, dtype);
  let next = hash;
  for (let i = 0; i < bytes; i++) next = Math.imul(next ^ buffer.getUint8(i), prime);
  return next;
}

/** The inverse of the prime modulo 2^32. */
const inverse = 0x359c449b;

/** The hash before a float, from the one after it: each step of FNV-1a has exactly one that leads to it. */
function unhashFloat(hash: number, x: number, dtype: GoldenType): number {
  const bytes = writeFloat(x, dtype);
  let before = hash;
  for (let i = bytes - 1; i >= 0; i--) before = Math.imul(before, inverse) ^ buffer.getUint8(i);
  return before;
}

const hex = (hash: number): string => (hash >>> 0).toString(16).padStart(8, '0');
const start = 0x811c9dc5;

/** The `bits` of a case as the recorder computed them. */
export function bitsOf(test: TrajectoryCase): string {
  let hash = start;
  for (const { value } of hashedFloats(test)) hash = hashFloat(hash, value, test.dtype as GoldenType);
  return hex(hash);
}

/**
 * The one float whose move by one ulp would make the case match its `bits`, if there is one. Every float is tried in both directions:
 * the hash from the front up to it must meet the one from the back, so that the work grows with their number only.
 */
export function findMovedFloat(test: TrajectoryCase): { place: Place; moved: number } | null {
  if (test.dtype === 'float16' || test.bits === undefined) return null;
  const dtype = test.dtype as 'float32' | 'float64';
  const places = hashedFloats(test);
  const after = new Int32Array(places.length + 1);
  after[places.length] = Number.parseInt(test.bits, 16);
  for (let i = places.length; i > 0; i--) after[i - 1] = unhashFloat(after[i]!, places[i - 1]!.value, dtype);
  let hash = start;
  for (let i = 0; i < places.length; i++) {
    const value = roundTo(dtype, places[i]!.value);
    for (const direction of [1, -1]) {
      const moved = neighbour(value, direction, dtype);
      if ((hashFloat(hash, moved, dtype) | 0) === after[i + 1]) return { place: places[i]!, moved };
    }
    hash = hashFloat(hash, value, dtype);
  }
  return null;
}
