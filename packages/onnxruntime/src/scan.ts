// as TextEncoder in protobuf.ts
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

const utf8 = new TextDecoder();

/** A field of a message, as places in the bytes; the object is used again for the next field. */
export interface Cursor {
  readonly bytes: Uint8Array;
  number: number;
  /** Of a varint; `NaN` for what has a body. */
  value: number;
  /** Where the field begins; its body is from `from` to `to`, where the field ends. */
  start: number;
  from: number;
  to: number;
}

/** A field to be written again, or the body of a message to be read. */
export interface Span {
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** Bytes of a varint, at most. */
const DIGITS = 10;

/** Reads the next varint into `cursor.value`; gives where it ends. */
function varint(cursor: Cursor, at: number, to: number): number {
  const { bytes } = cursor;
  let value = 0;
  let scale = 1;
  for (const last = Math.min(to, at + DIGITS); at < last; scale *= 128) {
    const digit = bytes[at++]!;
    value += (digit & 127) * scale;
    if (digit < 128) {
      cursor.value = value;
      return at;
    }
  }
  throw new RangeError(at < to ? `a number of more than ${DIGITS} bytes` : 'the bytes end within a message');
}

/**
 * Visits the fields of a message, without an object for each.
 *
 * @throws RangeError where the bytes end too early, or are no message
 */
export function scan(
  bytes: Uint8Array,
  visit: (field: Cursor) => void,
  { from: at, to: end }: Pick<Span, 'from' | 'to'> = { from: 0, to: bytes.length },
): void {
  if (at >= end) return;
  const cursor: Cursor = { bytes, number: 0, value: NaN, start: 0, from: 0, to: 0 };
  while (at < end) {
    cursor.start = at;
    at = varint(cursor, at, end);
    const kind = cursor.value % 8;
    cursor.number = Math.floor(cursor.value / 8);
    if (cursor.number === 0 || kind === 3 || kind === 4 || kind > 5) throw new RangeError('a field of no known kind');
    if (kind === 0) cursor.from = cursor.to = at = varint(cursor, at, end);
    else {
      if (kind === 2) at = varint(cursor, at, end);
      const length = kind === 1 ? 8 : kind === 5 ? 4 : cursor.value;
      if (!(at + length <= end)) throw new RangeError('the bytes end within a message');
      cursor.value = NaN;
      cursor.from = at;
      cursor.to = at += length;
    }
    visit(cursor);
  }
}

/** The body of a field, which must have one. */
export function bodyOf({ number, value, start, from, to }: Cursor): Span {
  if (value === value) throw new RangeError(`field ${number}: expected a message or text, got a number`);
  return { start, from, to };
}

/** The text in a field. */
export function textOf(field: Cursor): string {
  const { bytes } = field;
  const { from, to } = bodyOf(field);
  let text = '';
  // a decoder takes longer for short names than a loop
  for (let at = from; at < to; at++) {
    if (bytes[at]! > 127 || to - from > 64) return utf8.decode(bytes.subarray(from, to));
    text += String.fromCharCode(bytes[at]!);
  }
  return text;
}

/** Adds the varints of a field, one or many in one. */
export function addIntegers(field: Cursor, to: number[]): void {
  if (field.value === field.value) {
    to.push(field.value);
    return;
  }
  const cursor = { ...field };
  for (let at = field.from; at < field.to;) {
    at = varint(cursor, at, field.to);
    to.push(cursor.value);
  }
}

/** Neighbouring fields, put together. */
export class Runs {
  readonly #places: number[] = [];

  add({ start, to }: Pick<Span, 'start' | 'to'>): void {
    const places = this.#places;
    if (places.at(-1) === start) places[places.length - 1] = to;
    else places.push(start, to);
  }

  /** A copy of all, one behind the other. */
  of(bytes: Uint8Array): Uint8Array {
    const places = this.#places;
    let length = 0;
    for (let i = 0; i < places.length; i += 2) length += places[i + 1]! - places[i]!;
    const all = new Uint8Array(length);
    let at = 0;
    for (let i = 0; i < places.length; i += 2) {
      const part = bytes.subarray(places[i], places[i + 1]);
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}
