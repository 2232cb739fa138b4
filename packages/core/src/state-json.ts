import type { FloatArray } from './contract.ts';
import type { State } from './state.ts';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** Texts that are put together at once. */
const CHUNK = 8192;

/** Copies numbers with their bits turned to little-endian, or back. */
function littleEndian(from: FloatArray, to: Uint8Array): void {
  const view = new DataView(to.buffer, to.byteOffset);
  const bits =
    from.BYTES_PER_ELEMENT === 4
      ? new Uint32Array(from.buffer, from.byteOffset, from.length)
      : new BigUint64Array(from.buffer, from.byteOffset, from.length);
  bits.forEach((word: number | bigint, i: number) => {
    if (typeof word === 'bigint') view.setBigUint64(8 * i, word, true);
    else view.setUint32(4 * i, word, true);
  });
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  let part = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    part += DIGITS.charAt(word >> 18) + DIGITS.charAt((word >> 12) & 63);
    part += (left > 1 ? DIGITS.charAt((word >> 6) & 63) : '=') + (left > 2 ? DIGITS.charAt(word & 63) : '=');
    if (part.length < CHUNK) continue;
    text += part;
    part = '';
  }
  return text + part;
}

const VALUES = new Map(Array.from(DIGITS, (digit, i) => [digit.charCodeAt(0), i]));

/** `null` for what is no base64 of whole bytes. */
function fromBase64(text: string, from: number): Uint8Array | null {
  let end = text.length;
  if ((end - from) % 4 !== 0) return null;
  while (end > text.length - 2 && end > from && text.charAt(end - 1) === '=') end--;
  const bytes = new Uint8Array(Math.floor(((end - from) * 3) / 4));
  let word = 0;
  let at = 0;
  for (let i = from; i < end; i++) {
    const digit = VALUES.get(text.charCodeAt(i));
    if (digit === undefined) return null;
    word = ((word << 6) | digit) & 0xffffff;
    const place = (i - from) % 4;
    if (place > 0) bytes[at++] = (word >> (6 - 2 * place)) & 255;
  }
  return bytes;
}

/** Values as text: the type, and the bits in base64, little-endian. */
function textOf(values: FloatArray): string {
  const bytes = new Uint8Array(values.byteLength);
  littleEndian(values, bytes);
  return `float${8 * values.BYTES_PER_ELEMENT}:${toBase64(bytes)}`;
}

/** Values of a text of {@link textOf}; `null` for any other text. */
export function valuesOf(text: string): FloatArray | null {
  const type = /^float(?:32|64):/.exec(text)?.[0];
  const bytes = type && fromBase64(text, type.length);
  if (!bytes) return null;
  const size = type === 'float32:' ? 4 : 8;
  if (bytes.length % size !== 0) return null;
  // turning the order of bytes twice gives them back
  const given = size === 4 ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
  const turned = new Uint8Array(bytes.length);
  littleEndian(given, turned);
  return size === 4 ? new Float32Array(turned.buffer) : new Float64Array(turned.buffer);
}

/** A number as JSON can hold it. */
function numberOf(value: number): number | string {
  return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value);
}

/** A number of {@link numberOf}; anything else as it is. */
export function numberIn(value: unknown): unknown {
  return typeof value === 'string' && /^(?:NaN|-?Infinity|-0)$/.test(value) ? Number(value) : value;
}

/** What `JSON.stringify` writes of a state: everything, to the bit. */
export function jsonOf({ slots, learningRate, lossScale, ...rest }: State): object {
  const texts = Object.entries(slots).map(([path, own]) => [
    path,
    Object.fromEntries(Object.entries(own).map(([slot, values]) => [slot, textOf(values as FloatArray)])),
  ]);
  return {
    ...rest,
    learningRate: learningRate === null ? null : numberOf(learningRate),
    slots: Object.fromEntries(texts),
    ...(lossScale && { lossScale: { ...lossScale, dynamicScale: numberOf(lossScale.dynamicScale) } }),
  };
}
