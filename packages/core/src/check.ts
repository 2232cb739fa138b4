import { reading, refuse, type SgdErrorCode } from './errors.ts';
import { nearest } from './nearest.ts';
import { isPromise, shown } from './shown.ts';

export { isPromise, shown };

/** Throws unless `ok`, saying what was wanted and what came. */
export function want(
  ok: boolean,
  name: string,
  wanted: string,
  value: unknown,
  code: SgdErrorCode = 'SGD_INVALID_OPTION',
): asserts ok {
  if (!ok) refuse(code, `${name}: expected ${wanted}, got ${shown(value)}`);
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** A record, not an array and not a typed array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** A plain object, of any realm. Instances of classes are none: a Map or a promise without keys would pass for an empty one. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A plain object, or an instance of a class that has fields. */
export function isOptions(value: unknown): value is Record<string, unknown> {
  return isRecord(value) || (isObject(value) && !isPromise(value) && Object.keys(value).length > 0);
}

/** What an option may be, and how that is said in a message. */
export type Kind = readonly [test: (value: never) => boolean, wanted: string];

/** No option, of ours or of Keras's, has a longer name. */
export const LONGEST_NAME = 64;

/** By option: the default, and what it may be. An option without default must be given unless its kind allows `undefined`. */
export type Spec = Readonly<Record<string, readonly [fallback: unknown, ...Kind]>>;

export const NUMBER: Kind = [isNumber, 'a number'];
export const NUMBER_OR_NULL: Kind = [(value) => value === null || isNumber(value), 'a number or null'];
export const BOOLEAN: Kind = [(value) => typeof value === 'boolean', 'a boolean'];
export const ARRAY: Kind = [Array.isArray, 'an array'];
/** NaN passes, as in Keras. */
export const UNIT: Kind = [(value) => isNumber(value) && !(value < 0 || value > 1), 'a number from 0 to 1'];
export const POSITIVE: Kind = [(value) => isNumber(value) && value > 0, 'a number greater than 0'];

/** Options with every default filled in. */
export type Resolved<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

/**
 * Refuses options that are no object, or that nobody knows, so that a misspelt one is not ignored. What the options are is yours to check.
 *
 * @param given - what a function was called with
 * @param names - all options that it has
 * @param what - the function, for the message: `wasm: unknown "maxmum"; did you mean maximum?`
 * @throws SgdError `SGD_INVALID_OPTION`
 */
export function checkOptions(given: unknown, names: readonly string[], what: string): void {
  want(isOptions(given), what, 'an object', given);
  const unknown = Object.keys(given).find((key) => !names.includes(key));
  if (unknown === undefined) return;
  const meant = nearest(unknown, names);
  const known = names.length > 0 ? `expected one of ${names.join(', ')}` : 'it has no options';
  refuse('SGD_INVALID_OPTION', `${what}: unknown ${shown(unknown)}; ${meant ? `did you mean ${meant}?` : known}`);
}

/** Fills in defaults in the order of `spec`, and refuses unknown options and values of the wrong kind. */
export function resolve<T>(spec: Spec, given: object, what: string): T {
  return reading(what, () => filled<T>(spec, given, what));
}

function filled<T>(spec: Spec, given: object, what: string): T {
  checkOptions(given, Object.keys(spec), what);
  const result: Record<string, unknown> = {};
  for (const key in spec) {
    const [fallback, test, wanted] = spec[key] as Spec[string];
    const { [key]: value = fallback } = given as Record<string, unknown>;
    want(test(value as never), `${what}: ${key}`, wanted, value);
    result[key] = value;
  }
  return result as T;
}
