import { isNumber, isObject, shown } from './check.ts';
import type { FloatArray } from './contract.ts';
import { short } from './shown.ts';
import { numberIn, valuesOf } from './state-json.ts';

type Read = Record<string, unknown>;

/** What an engine's realm says of a typed array: not what the array, or one that only looks like it, says of itself. */
const TAG = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype) as object, Symbol.toStringTag);

/** A copy of a Float32Array or Float64Array of any realm; `null` for anything else. */
function copyOf(value: unknown): FloatArray | null {
  const tag: unknown = TAG?.get?.call(value);
  if (tag === 'Float32Array') return new Float32Array(value as FloatArray);
  return tag === 'Float64Array' ? new Float64Array(value as FloatArray) : null;
}

/** Reads an object down to so many levels, each property once; at the lowest are values. */
function readLevels(value: unknown, levels: number): unknown {
  if (levels === 0) return (typeof value === 'string' ? valuesOf(value) : copyOf(value)) ?? value;
  if (Array.isArray(value)) return Array.from<unknown>(value);
  if (!isObject(value)) return value;
  const read: Read = Object.create(null);
  for (const key of Object.keys(value)) read[key] = readLevels(value[key], levels - 1);
  return read;
}

/** The levels of a state's slots: by path, by slot, the values. */
const LEVELS = 2;
const NUMBERS = ['learningRate', 'dynamicScale'];

/** A state in copies: nothing of what was given is asked again. Of the config, only the class is read. */
export function readOnce(state: unknown): unknown {
  if (!isObject(state)) return state;
  const read: Read = Object.create(null);
  read.config = { className: undefined };
  for (const key of Object.keys(state)) {
    const value = state[key];
    if (key === 'config') read.config = { className: isObject(value) ? value.className : undefined };
    else read[key] = key === 'slots' ? readLevels(value, LEVELS) : readFlat(key, value);
  }
  return read;
}

function readFlat(key: string, value: unknown): unknown {
  if (NUMBERS.includes(key)) return numberIn(value);
  const read = readLevels(value, 1);
  if (isObject(read)) for (const inner of NUMBERS) if (inner in read) read[inner] = numberIn(read[inner]);
  return read;
}

/** What stands for the values of a slot. */
export class Expected {
  /** In words, as {@link shown} shows them. */
  readonly words: string;

  constructor(dtype: string, length: number) {
    this.words = `${dtype === 'float32' ? 'Float32Array' : 'Float64Array'} of ${length}`;
  }
}

const COUNTS = ['iterations', 'stepCounter'];

/** A count that can still grow. */
function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < Number.MAX_SAFE_INTEGER;
}

/** What does not fit, a line each. A number stands for any number. */
export function differences(expected: unknown, given: unknown, path: string, key: string): string[] {
  if (isObject(expected) && !(expected instanceof Expected) && isObject(given)) {
    return [...new Set([...Object.keys(expected), ...Object.keys(given)])].flatMap((inner) =>
      differences(own(expected, inner), own(given, inner), `${path}.${short(inner)}`, inner),
    );
  }
  const [fits, wanted] = judge(expected, given, key);
  return fits ? [] : [`${path}: expected ${wanted}, got ${shown(given)}${hint(expected, given)}`];
}

function judge(expected: unknown, given: unknown, key: string): readonly [boolean, string] {
  // what was read is a plain array of ours
  if (expected instanceof Expected)
    return [ArrayBuffer.isView(given) && shown(given) === expected.words, expected.words];
  if (COUNTS.includes(key))
    return [
      isCount(given),
      isNumber(given) && given > 0 && Number.isInteger(given) ? 'a count below 2^53 - 1' : 'a count',
    ];
  if (isNumber(expected)) return [isNumber(given), 'a number'];
  return [given === expected, isObject(expected) ? 'Object' : shown(expected)];
}

/** `JSON.stringify` makes an object of an array in a clone of a state. */
function hint(expected: unknown, given: unknown): string {
  const spoilt = expected instanceof Expected && isObject(given);
  return spoilt ? '; to go through JSON, stringify what getState() gave, not a clone of it' : '';
}

function own(object: Read, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
