import { oneLine } from './errors.ts';

/** Reads what follows a flag. It throws what was expected, in words. */
export type Reader<T> = (text: string) => T;

const bounds = (least: number, most: number): string => {
  if (most < Infinity) return ` from ${least} to ${most}`;
  return least > -Infinity ? `, at least ${least}` : '';
};

/** A finite number. */
export function number(least: number = -Infinity, most: number = Infinity): Reader<number> {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= least && value <= most) return value;
    throw new Error(`expected a number${bounds(least, most)}`);
  };
}

/** A finite number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error('expected a number greater than 0');
}

/** A whole number that is exact. */
export function integer(least: number, most: number = Infinity): Reader<number> {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new Error(`expected a whole number${bounds(least, most)}`);
  };
}

/** One of a few words. */
export function choice<T extends string>(...words: readonly T[]): Reader<T> {
  return (text) => {
    const word = words.find((known) => known === text);
    if (word !== undefined) return word;
    throw new Error(`expected one of ${words.join(', ')}`);
  };
}

/** Anything but nothing. */
export function text(value: string): string {
  if (value.trim() === '') throw new Error('expected some text');
  return value;
}

/** The source of a regular expression. */
export function pattern(source: string): string {
  try {
    new RegExp(source);
    return source;
  } catch (error) {
    throw new Error(`expected a regular expression (${oneLine(error)})`, { cause: error });
  }
}

/** Two names with a comma in between. */
export function pair(value: string): readonly [string, string] {
  const [first, second, ...more] = value.split(',').map((name) => name.trim());
  if (first && second && more.length === 0) return [first, second];
  throw new Error('expected two backends, such as cpu,cpu:float64');
}

/** A JSON object. */
export function jsonObject(source: string): Record<string, unknown> {
  const value = parsed(source);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`expected a JSON object such as {"alpha":0.1}`);
}

/** A JSON array. */
export function jsonArray(source: string): unknown[] {
  const value = parsed(source);
  if (Array.isArray(value)) return value;
  throw new Error(`expected a JSON array such as [{"paths":["hidden/bias"],"frozen":true}]`);
}

function parsed(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
