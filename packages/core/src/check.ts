import { SgdError, type SgdErrorCode } from './errors.ts';

const LONGEST = 80;

/** A value in a message: its type for objects, and never more than a line. */
export function shown(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, LONGEST + 1))
      : Array.isArray(value)
        ? `an array of ${value.length}`
        : typeof value === 'function'
          ? 'a function'
          : typeof value === 'object' && value !== null
            ? `an object (${Object.prototype.toString.call(value).slice(8, -1)})`
            : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** Throws unless `ok`, saying what was wanted and what came. */
export function want(
  ok: boolean,
  name: string,
  wanted: string,
  value: unknown,
  code: SgdErrorCode = 'SGD_INVALID_OPTION',
): asserts ok {
  if (!ok) throw new SgdError(code, `${name} must be ${wanted}, got ${shown(value)}`);
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

export function isNumberOrNull(value: unknown): boolean {
  return value === null || isNumber(value);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Refuses keys that are not in `known`. A key in Keras's snake_case gets a hint. */
export function wantKnownKeys(given: object, known: readonly string[], what: string): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const camel = camelCase(key);
    const hint = known.includes(camel) ? `; did you mean "${camel}"?` : '';
    throw new SgdError('SGD_INVALID_OPTION', `${what} has no option ${shown(key)}${hint}`);
  }
}

/** `learning_rate` to `learningRate`: how Keras's names become ours. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `learningRate` to `learning_rate`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
