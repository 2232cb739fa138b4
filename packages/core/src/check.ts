import { reading, refuse, type SgdErrorCode } from './errors.ts';

/** A value in a message: strings and numbers as they are, of objects only the kind and size; never more than a line. */
export function shown(value: unknown): string {
  try {
    return isPromise(value) ? 'a promise: await it' : words(value);
  } catch {
    return 'an object that throws when it is read';
  }
}

function words(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const isObject = typeof value === 'object' && value !== null;
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (isObject) return 'length' in value ? `${kind} of ${String(value.length)}` : kind;
  return (typeof value === 'string' ? JSON.stringify(value.slice(0, 99)) : String(value)).slice(0, 99);
}

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

export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
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

/** Fills in defaults in the order of `spec`, and refuses unknown options and values of the wrong kind. */
export function resolve<T>(spec: Spec, given: object, what: string): T {
  return reading(what, () => filled<T>(spec, given, what));
}

function filled<T>(spec: Spec, given: object, what: string): T {
  want(isOptions(given), what, 'an object', given);
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(spec, key)) continue;
    const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();
    const names = Object.keys(spec);
    const meant = names.find((name) => plain(name) === plain(key));
    const hint = meant ? `did you mean ${meant}?` : `expected one of ${names.join(', ')}`;
    refuse('SGD_INVALID_OPTION', `${what}: unknown ${shown(key)}; ${hint}`);
  }
  const result: Record<string, unknown> = {};
  for (const key in spec) {
    const [fallback, test, wanted] = spec[key] as Spec[string];
    const { [key]: value = fallback } = given as Record<string, unknown>;
    want(test(value as never), `${what}: ${key}`, wanted, value);
    result[key] = value;
  }
  return result as T;
}
